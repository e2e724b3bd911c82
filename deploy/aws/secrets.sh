# shellcheck shell=bash
# shellcheck disable=SC2154 # its variables are those of deploy.sh
# What deploy.sh does with secrets. Their values are in Secrets Manager alone, and neither template, parameter nor state has them.

# The value of NAME, or of the file that NAME_FILE names.
secret_value() {
    local file=$1_FILE
    if [[ -n ${!file-} ]]; then
        [[ -z ${!1-} ]] || fail "$1 and $file are both set: which is meant?"
        [[ -r ${!file} ]] || fail "$file: ${!file} cannot be read"
        cat "${!file}"
    else
        printf '%s' "${!1-}"
    fi
}

secret_arn() {
    aws secretsmanager describe-secret --secret-id "$stack/$1" --query ARN --output text 2>/dev/null || :
}

# Tasks have a database. A function has one if it is set, or if a deleted stack of this name has left its address.
wants_database() {
    case $backend in
        fargate) ;;
        lambda)
            [[ -n $mongodb_uri || -n $(setting MongodbUriSecretArn) ]] ||
                [[ -z $stack_status && -z ${MONGODB_URI_SECRET_ARN+set} && -n $(secret_arn mongodb-uri) ]]
            ;;
        *) false ;;
    esac
}

# The same rule as in the template: if there is a database, the key ring is in it. Private keys may still be in the secret.
keys_in_secret() {
    [[ $backend == lambda ]] || return 1
    ! wants_database || [[ $(setting KeyCustody) == aws-secrets-manager ]]
}

# keep_secret NAME VALUE DESCRIPTION: makes the secret or gives it another value, and prints its ARN. Values go by file, for
# the process list can be read by others.
keep_secret() {
    local arn file=$work/secret
    arn=$(secret_arn "$1")
    printf '%s' "$2" >"$file"
    if [[ -z $arn ]]; then
        arn=$(aws secretsmanager create-secret --name "$stack/$1" --description "$3" --secret-string "file://$file" --query ARN --output text)
        say "made the secret $stack/$1"
    elif [[ $(aws secretsmanager get-secret-value --secret-id "$arn" --query SecretString --output text) != "$2" ]]; then
        aws secretsmanager put-secret-value --secret-id "$arn" --secret-string "file://$file" >/dev/null
        say "changed the secret $stack/$1"
        : >"$work/secret-changed"
    fi
    rm -f "$file"
    printf '%s' "$arn"
}

# Each is what is given now, or what the stack has, or what has the stack's name.
keep_secrets() {
    if [[ -n $mongodb_uri && -z ${MONGODB_URI_SECRET_ARN-} ]]; then
        MONGODB_URI_SECRET_ARN=$(keep_secret mongodb-uri "$mongodb_uri" 'MONGODB_URI of JWT Generator')
    else
        MONGODB_URI_SECRET_ARN=$(known_secret MongodbUriSecretArn mongodb-uri)
    fi
    if [[ -z $key_encryption_key || -n ${KEY_ENCRYPTION_KEY_SECRET_ARN-} ]]; then
        KEY_ENCRYPTION_KEY_SECRET_ARN=$(known_secret KeyEncryptionKeySecretArn key-encryption-key)
    fi
    if [[ -z ${KEY_ENCRYPTION_KEY_SECRET_ARN-} ]]; then
        KEY_ENCRYPTION_KEY_SECRET_ARN=$(keep_secret key-encryption-key \
            "${key_encryption_key:-$(head -c 32 /dev/urandom | base64 | tr -d '\n')}" 'KEY_ENCRYPTION_KEY of JWT Generator: without it keys in the database are lost')
    fi
}

known_secret() {
    local arn
    arn=$(setting "$1")
    printf '%s' "${arn:-$(secret_arn "$2")}"
}

# Made without a value, as the template makes it.
keys_secret() {
    local arn
    arn=$(secret_arn keys)
    if [[ -z $arn ]]; then
        arn=$(aws secretsmanager create-secret --name "$stack/keys" --query ARN --output text \
            --description 'The ring of keys of JWT Generator: without it tokens in the field cannot be verified')
        say "made the secret $stack/keys"
    fi
    printf '%s' "$arn"
}

# The ring of keys that a stack of this name has left is taken up by the next one, which then makes none.
take_up_keys() {
    local arn
    keys_in_secret && [[ -z $(setting KeysSecretArn) ]] || return 0
    arn=$(secret_arn keys)
    if [[ -n $arn && (-z $stack_status || $(output KeysSecretArn) != "$arn") ]]; then
        export KEYS_SECRET_ARN=$arn
        say "uses the keys in the secret $stack/keys"
    fi
}

# Secrets are read when a task or an instance of the function starts.
read_secrets_anew() {
    if [[ $backend == fargate ]]; then
        aws ecs update-service --cluster "$(output ClusterName)" --service "$(output ServiceName)" --force-new-deployment >/dev/null
        say 'restarting the tasks, because a secret has changed'
    else
        aws lambda update-function-configuration --function-name "$(output FunctionName)" \
            --description "JWT Generator, with secrets as of $(date -u +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
        say 'restarting the function, because a secret has changed'
    fi
}

only_secrets() {
    stack_status=''
    backend=$(setting Backend)
    if [[ -n $dry_run ]]; then
        ! wants_database || say "would make or look up the secrets $stack/mongodb-uri and $stack/key-encryption-key in $AWS_REGION of $account"
        ! keys_in_secret || say "would make or look up the secret $stack/keys in $AWS_REGION of $account"
        return
    fi
    if wants_database; then
        [[ -n $mongodb_uri || -n $(secret_arn mongodb-uri) ]] || fail 'MONGODB_URI is missing (or MONGODB_URI_FILE)'
        keep_secrets
        printf 'mongodb_uri_secret_arn = "%s"\nkey_encryption_key_secret_arn = "%s"\n' "$MONGODB_URI_SECRET_ARN" "$KEY_ENCRYPTION_KEY_SECRET_ARN"
    fi
    if keys_in_secret; then
        KEYS_SECRET_ARN=$(keys_secret)
        printf 'keys_secret_arn = "%s"\n' "$KEYS_SECRET_ARN"
    fi
}
