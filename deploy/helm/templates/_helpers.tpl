{{/* The pods of this release. Prometheus takes app.kubernetes.io/name for the job, which the alerts ask for. */}}
{{- define "jwt-generator.selector" -}}
app.kubernetes.io/name: jwt-generator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "jwt-generator.labels" -}}
{{ include "jwt-generator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "jwt-generator.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "jwt-generator.labels" . | nindent 2 }}
{{- end }}

{{- define "jwt-generator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The values come first: a setting of the user replaces one of the mode. */}}
{{- define "jwt-generator.settings" -}}
{{- $mode := dict "KEYS_DIR" "/var/lib/jwt-generator/keys" "DATA_DIR" "/var/lib/jwt-generator/data" -}}
{{- if eq .Values.mode "cluster" -}}
{{- $mode = dict "KEY_CUSTODY" "database" "MONGODB_URI_FILE" "/run/secrets/jwt-generator/mongodb-uri" "KEY_ENCRYPTION_KEY_FILE" "/run/secrets/jwt-generator/key-encryption-key" -}}
{{- end -}}
{{- range $name, $value := merge (dict "PORT" "3000" "ADMIN_ADDRESS" "0.0.0.0:9464") .Values.settings $mode }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "jwt-generator.host" -}}
{{ (urlParse .Values.settings.PUBLIC_URL).host | splitList ":" | first }}
{{- end }}

{{- define "jwt-generator.secret" -}}
{{ .Values.secret.name | default .Release.Name }}
{{- end }}
