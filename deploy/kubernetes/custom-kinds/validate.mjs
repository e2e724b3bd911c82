// validate.mjs FILE.json: are the objects valid by the schemas of their custom resource definitions? These permit members that they
// do not know, as API servers do.
import fs from 'node:fs'

// The package has no v1 of ExternalSecret. The members that we use are the same in v1beta1.
const versions = { 'external-secrets.io/v1': 'external-secrets.io/v1beta1' }
const packages = {
  'external-secrets.io': '@kubernetes-models/external-secrets',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator'
}

for (const object of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) {
  const apiVersion = versions[object.apiVersion] ?? object.apiVersion
  const [group] = apiVersion.split('/')
  const { [object.kind]: Model } = await import(`${packages[group]}/${apiVersion}`)
  new Model({ ...object, apiVersion }).validate()
  console.log(`${object.kind} ${object.metadata.name}: valid`)
}
