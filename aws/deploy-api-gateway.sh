#!/usr/bin/env bash
# Puts API Gateway in front of a backend, with the variables of simple-jwt-generator's script of this name:
#
#   BACKEND_URL=https://backend.example.com AWS_REGION=us-east-1 STAGE_NAME=prod aws/deploy-api-gateway.sh
#
# DOMAIN_NAME and CERTIFICATE_ARN add a domain of your own. It runs deploy/aws/deploy.sh, which reads more variables: see --help.
set -euo pipefail
if [[ -z ${BACKEND_URL-} && -z ${*} ]]; then
    echo 'error: set BACKEND_URL to the address of the backend, such as https://backend.example.com' >&2
    exit 2
fi
export STACK_NAME=${STACK_NAME:-simple-jwt-generator-api} STAGE_NAME=${STAGE_NAME:-prod}
exec "$(dirname "${BASH_SOURCE[0]}")/../deploy/aws/deploy.sh" "$@"
