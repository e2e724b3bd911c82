#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here template=$here/cloudformation/template.yaml
# shellcheck source=deploy/aws/secrets.sh
. "$here/secrets.sh"

usage() {
    cat <<'TEXT'
Puts JWT Generator into an AWS account, with CloudFormation. Run it again to change the stack: it changes only the settings that you set.

  IMAGE=… MONGODB_URI=mongodb+srv://… deploy/aws/deploy.sh
  BACKEND=lambda IMAGE=… deploy/aws/deploy.sh

  --dry-run    checks settings and account, prints what it would do, and changes nothing
  --secrets    creates only the secrets, and prints the variables that terraform/ needs
  --delete     deletes the stack; the secrets and the signing keys stay
  --yes        does not ask before it deletes
  --help       prints this text

The script reads its settings from the environment. A setting of an existing stack that you do not set keeps its value.

  AWS_REGION           the region; without it, the region of your AWS configuration
  STACK_NAME           the name of the stack; without it, jwt-generator
  ARTIFACT_BUCKET      the bucket for the API document; without it, the script makes one with a random name, and stores the name
                       in the parameter /jwt-generator/STACK_NAME/artifact-bucket of AWS Systems Manager
  BACKEND              fargate, lambda or url
  IMAGE                the container image, best with a digest; for Lambda it must be in ECR, in this region
  MONGODB_URI          stored in the secret STACK_NAME/mongodb-uri; or MONGODB_URI_FILE; optional with Lambda
  KEY_ENCRYPTION_KEY   stored in the secret STACK_NAME/key-encryption-key; or KEY_ENCRYPTION_KEY_FILE; without it, the script makes one, once
  BACKEND_URL          in place of these three: the address of your own backend, such as https://backend.example.com

and every other parameter of the template by its name in capitals, such as STAGE_NAME, DOMAIN_NAME, CERTIFICATE_ARN,
JWT_ISSUER or MIN_TASKS:

TEXT
    parameters | while read -r name _; do
        case $name in
            ApiDocument*) ;;
            *) printf '  %s\n' "$(variable "$name")" ;;
        esac
    done | LC_ALL=C sort | pr -2 -t -w 72
}

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}

# --- The template's parameters, and the variables that set them

# NAME TYPE of each.
parameters() {
    awk '/^[A-Z]/ { inside = $0 == "Parameters:" } !inside { next }
        /^  [A-Z]/ { name = $1; sub(/:$/, "", name) } /^    Type: / { print name, $2 }' "$template"
}

# MongodbUriSecretArn becomes MONGODB_URI_SECRET_ARN.
variable() { printf '%s' "$1" | sed 's/\([a-z0-9]\)\([A-Z]\)/\1_\2/g' | tr '[:lower:]' '[:upper:]'; }

# What is set for a parameter: now, or in the stack that is there, or by default.
setting() {
    local name
    name=$(variable "$1")
    if [[ -n ${!name+set} ]]; then
        printf '%s' "${!name}"
    elif [[ -n $stack_status ]]; then
        current "$1"
    else
        awk -v name="  $1:" '/^  [A-Z]/ { inside = $0 == name }
            inside && /^    Default: / { sub(/^    Default: /, ""); gsub(/"/, ""); print }' "$template"
    fi
}

# --- What is there

look_around() {
    local problem
    command -v aws >/dev/null || fail 'the AWS CLI is missing: see https://docs.aws.amazon.com/cli/'
    AWS_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || :)}}
    [[ -n $AWS_REGION ]] || fail 'no region: set AWS_REGION'
    export AWS_REGION AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER=
    if ! identity=$(aws sts get-caller-identity --query Arn --output text 2>"$work/problem"); then
        problem=$(grep -v '^$' "$work/problem" | tail -n 1)
        fail "AWS does not know who you are: ${problem:-aws sts get-caller-identity failed}"
    fi
    IFS=: read -r _ partition _ _ account _ <<<"$identity"
    stack_status=$(aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text 2>"$work/problem") ||
        grep -q 'does not exist' "$work/problem" || fail "cannot look at the stack $stack: $(tail -n 1 "$work/problem")"
    # A stack of which there is no more than a change set that was never executed: it has no resources, and no parameters.
    if [[ $stack_status == REVIEW_IN_PROGRESS ]]; then
        in_review=1 stack_status=''
    fi
    if [[ -n $stack_status ]]; then
        aws cloudformation describe-stacks --stack-name "$stack" --output text \
            --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]' >"$work/current"
    fi
}

# The value of a parameter in the stack that is there.
current() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$work/current"; }

# The bucket for the API document: yours, else the one that was made for this stack, else the one that the stack names. Its
# name has a random part: the name of a bucket is unique in all accounts, and one that can be guessed can be taken before.
find_bucket() {
    bucket_parameter=/jwt-generator/$stack/artifact-bucket
    bucket=${ARTIFACT_BUCKET-} made_bucket=''
    [[ -z $bucket ]] || return 0
    made_bucket=$(aws ssm get-parameter --name "$bucket_parameter" --query Parameter.Value --output text 2>"$work/problem") ||
        grep -q ParameterNotFound "$work/problem" || fail "cannot look at the parameter $bucket_parameter: $(tail -n 1 "$work/problem")"
    bucket=$made_bucket
    [[ -n $bucket || -z $stack_status ]] || bucket=$(current ApiDocumentBucket)
}

# Whether the bucket is there. One that belongs to another account ends this.
bucket_is_there() {
    [[ -n $bucket ]] || return 1
    aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" >/dev/null 2>"$work/problem" && return
    grep -q '(404)' "$work/problem" ||
        fail "the bucket $bucket belongs to another account, or you may not use it: $(tail -n 1 "$work/problem")"
    return 1
}

# --- What is wrong, all at once

problems=()
problem() { problems[${#problems[@]}]=$1; }

check_tasks() {
    check_service
    if [[ -z $(setting MongodbUriSecretArn) && -z $mongodb_uri && -z $(secret_arn mongodb-uri) ]]; then
        problem 'MONGODB_URI is missing: the database that all tasks share (or MONGODB_URI_FILE, or MONGODB_URI_SECRET_ARN)'
    fi
    if [[ $(setting KeyCustody) == aws-secrets-manager ]]; then
        problem 'KEY_CUSTODY=aws-secrets-manager is for BACKEND=lambda: tasks have aws-kms or database'
    fi
}

check_function() {
    local image
    check_service
    image=$(setting Image)
    if [[ -n $image && ! $image =~ ^[0-9]{12}\.dkr\.ecr\.$AWS_REGION\.[a-z0-9.-]+/ ]]; then
        problem "Lambda takes images from ECR in its own region alone: push yours there, and set IMAGE to ACCOUNT.dkr.ecr.$AWS_REGION.amazonaws.com/…; yours is $image"
    fi
    if ! wants_database; then
        [[ $(setting KeyCustody) != database ]] || problem 'KEY_CUSTODY=database wants MONGODB_URI (or aws-kms, or aws-secrets-manager)'
        [[ -z $key_encryption_key ]] || problem 'KEY_ENCRYPTION_KEY is set and MONGODB_URI is not: it seals keys in the database, and there is none'
    fi
}

check_service() {
    [[ -n $(setting Image) ]] || problem 'IMAGE is missing: the container image, such as ACCOUNT.dkr.ecr.REGION.amazonaws.com/jwt-generator@sha256:…'
    case $mongodb_uri in
        '' | mongodb://* | mongodb+srv://*) ;;
        *) problem 'MONGODB_URI begins with mongodb:// or mongodb+srv://' ;;
    esac
    if [[ -n $(setting VpcId) && -z $(setting PrivateSubnetIds) ]]; then
        problem 'VPC_ID is set and PRIVATE_SUBNET_IDS is not: subnets in two zones, separated by a comma'
    fi
}

check_settings() {
    local name type value
    case $stack_status in
        ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
            problem "the stack $stack is in $stack_status, from where CloudFormation lets nothing go on: run with --delete first" ;;
        UPDATE_ROLLBACK_FAILED)
            problem "the stack $stack is in $stack_status: look for the cause (aws cloudformation describe-stack-events --stack-name $stack), remove it, and run: aws cloudformation continue-update-rollback --stack-name $stack" ;;
        *_IN_PROGRESS) problem "the stack $stack is in $stack_status: wait until it has ended" ;;
    esac
    if [[ -n ${BACKEND_URL-} ]]; then
        BACKEND=${BACKEND:-url}
        [[ $BACKEND == url ]] || problem "BACKEND_URL is set and BACKEND is $BACKEND: which is meant?"
        [[ $BACKEND_URL =~ ^https?://[A-Za-z0-9.-]+(:[0-9]+)?/?$ ]] ||
            problem "BACKEND_URL is like https://backend.example.com, without a path; yours is $BACKEND_URL"
        BACKEND_URL=${BACKEND_URL%/}
        [[ $BACKEND_URL != http://* ]] ||
            say "warning: BACKEND_URL does not use https: passwords and tokens go from the gateway to it without encryption"
    fi
    backend=$(setting Backend)
    case $backend in
        fargate) check_tasks ;;
        lambda) check_function ;;
        url) [[ -n $(setting BackendUrl) ]] || problem 'BACKEND_URL is missing: the address of the backend' ;;
        *) problem "BACKEND is fargate, lambda or url, not $backend" ;;
    esac
    if [[ -n $(setting DomainName) && -z $(setting CertificateArn) && -z $(setting HostedZoneId) ]]; then
        problem 'DOMAIN_NAME is set: set CERTIFICATE_ARN, or HOSTED_ZONE_ID to have a certificate made'
    fi
    case ${LOGIN_RATE_LIMIT-} in
        [1-9]) problem "LOGIN_RATE_LIMIT is 10 at least, or 0 for no firewall; yours is $LOGIN_RATE_LIMIT" ;;
    esac
    while read -r name type; do
        value=$(variable "$name")
        if [[ $type == Number && -n ${!value-} && ! ${!value} =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
            problem "$value is a number; yours is ${!value}"
        fi
    done < <(parameters)
    if ((${#problems[@]})); then
        printf 'error: %s\n' "${problems[@]}" >&2
        exit 1
    fi
}

# --- What is done

keep_bucket() {
    ! bucket_is_there || return 0
    if [[ -z $bucket ]]; then
        bucket=$stack-$account-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
        # Stores the name first, so that the bucket is known even if this script ends before it is made.
        aws ssm put-parameter --name "$bucket_parameter" --type String --value "$bucket" \
            --description 'The bucket that deploy.sh made for the API document of JWT Generator' >/dev/null
    fi
    say "makes the bucket $bucket"
    if [[ $AWS_REGION == us-east-1 ]]; then # the one region that does not want to be named
        aws s3api create-bucket --bucket "$bucket" >/dev/null
    else
        aws s3api create-bucket --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$AWS_REGION" >/dev/null
    fi
    aws s3api put-public-access-block --bucket "$bucket" --expected-bucket-owner "$account" --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
}

# The document as the backend wants it, and the template with a deployment of that document.
write_artifacts() {
    local kind=vpc_link url key='' hash
    case $backend in
        url)
            url=$(setting BackendUrl)
            kind=${url%%://*}
            ;;
        lambda) kind=arn:$partition:lambda:$AWS_REGION:$account ;;
    esac
    [[ $(setting RequireApiKey) != true ]] || key=api_key
    "$here/document" "$kind" $key >"$work/openapi.yaml"
    hash=$({ sha256sum <"$work/openapi.yaml" 2>/dev/null || shasum -a 256 <"$work/openapi.yaml"; } | cut -c1-16)
    document_key=$stack/openapi-$hash.yaml
    sed "s/ApiDeployment/ApiDeployment$hash/" "$template" >"$work/template.yaml"
}

collect_overrides() {
    local name value
    overrides=("ApiDocumentBucket=$bucket" "ApiDocumentKey=$document_key")
    while read -r name _; do
        value=$(variable "$name")
        case $name in
            ApiDocument*) ;;
            *) [[ -z ${!value+set} ]] || overrides[${#overrides[@]}]="$name=${!value}" ;;
        esac
    done < <(parameters)
}

deploy() {
    local arn
    check_settings
    find_bucket
    write_artifacts
    if [[ -n $dry_run ]]; then
        aws cloudformation validate-template --template-body "file://$work/template.yaml" >/dev/null
        take_up_keys
        say "account $account, region $AWS_REGION"
        if wants_database; then
            for name in mongodb-uri key-encryption-key; do
                arn=$(secret_arn "$name")
                say "secret $stack/$name: ${arn:-would be made, unless its ARN is given}"
            done
        fi
        bucket_is_there || bucket="${bucket:-$stack-$account-…} (would be made)"
        collect_overrides
        say "bucket $bucket: API document ($document_key)"
        say "stack $stack: ${stack_status:-would be made}, with"
        printf '  %s\n' "${overrides[@]}" >&2
        say 'nothing has been changed (--dry-run)'
        return
    fi
    ! wants_database || keep_secrets
    take_up_keys
    keep_bucket
    aws s3api head-object --bucket "$bucket" --expected-bucket-owner "$account" --key "$document_key" >/dev/null 2>&1 ||
        aws s3api put-object --bucket "$bucket" --expected-bucket-owner "$account" --key "$document_key" --body "$work/openapi.yaml" >/dev/null
    collect_overrides
    # The template is the body of the request, so no other program can change it between upload and use.
    aws cloudformation deploy --stack-name "$stack" --template-file "$work/template.yaml" \
        --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --tags application=jwt-generator --parameter-overrides "${overrides[@]}" ||
        fail "the stack is not as it should be; what went wrong: aws cloudformation describe-stack-events --stack-name $stack"
    [[ ! -e $work/secret-changed || -z $stack_status ]] || read_secrets_anew
    aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text |
        LC_ALL=C sort
}

output() {
    aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

delete() {
    local answer=''
    find_bucket
    if [[ -z $stack_status && -z $in_review ]]; then
        say "there is no stack $stack in $AWS_REGION of $account"
    else
        if [[ -n $dry_run ]]; then
            say "would delete the stack $stack in $AWS_REGION of $account, and ${bucket:-no bucket}/$stack/"
            return
        fi
        if [[ -z $yes ]]; then
            [[ -t 0 ]] || fail 'standard input is not a terminal, so the script cannot ask: add --yes'
            read -rp "Delete the stack $stack in $AWS_REGION of $account? Its name, please: " answer
            [[ $answer == "$stack" ]] || fail 'nothing has been deleted'
        fi
        aws cloudformation delete-stack --stack-name "$stack"
        aws cloudformation wait stack-delete-complete --stack-name "$stack"
        say "deleted the stack $stack"
    fi
    [[ -z $dry_run ]] || return 0
    delete_documents
    say "These stay, because existing tokens depend on them, and a new stack of this name uses them again:"
    say "  the secrets $stack/mongodb-uri, $stack/key-encryption-key and $stack/keys, if they were made"
    say '  keys in KMS with the tag jwt-generator = signing-key'
    say '  the role by which API Gateway writes logs, which other APIs may use'
}

# A bucket that this script did not make stays, without the objects of this stack.
delete_documents() {
    local key
    bucket_is_there || return 0
    aws s3api list-objects-v2 --bucket "$bucket" --expected-bucket-owner "$account" --prefix "$stack/" \
        --query 'Contents[].[Key]' --output text >"$work/documents"
    while read -r key; do
        [[ $key == None ]] || aws s3api delete-object --bucket "$bucket" --expected-bucket-owner "$account" --key "$key" >/dev/null
    done <"$work/documents"
    if [[ $bucket == "$made_bucket" ]]; then
        aws s3api delete-bucket --bucket "$bucket" --expected-bucket-owner "$account"
        aws ssm delete-parameter --name "$bucket_parameter"
        say "deleted the bucket $bucket"
    else
        say "the bucket $bucket stays; $bucket/$stack/ is empty now"
    fi
}

action=deploy dry_run='' yes='' in_review=''
for argument; do
    case $argument in
        --dry-run) dry_run=1 ;;
        --secrets) action=only_secrets ;;
        --delete) action=delete ;;
        --yes) yes=1 ;;
        -h | --help)
            usage
            exit
            ;;
        *)
            say "error: there is no $argument; see --help"
            exit 2
            ;;
    esac
done

stack=${STACK_NAME:-jwt-generator}
[[ $stack =~ ^[a-z][a-z0-9-]{0,31}$ ]] || fail "STACK_NAME is 1 to 32 small letters, digits and hyphens, a letter first; yours is $stack"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mongodb_uri=$(secret_value MONGODB_URI)
key_encryption_key=$(secret_value KEY_ENCRYPTION_KEY)
look_around
"$action"
