# shellcheck shell=bash
# Stands between the commands of ../README.md and moto, which runs no task: what the task says is put into the log while the
# commands wait for its end. ../check puts this before them. Its AWS CLI is the first version, which has no `logs tail`.
said() {
    command aws logs create-log-stream --log-group-name /jwt-generator/service --log-stream-name "$1"
    command aws logs put-log-events --log-group-name /jwt-generator/service --log-stream-name "$1" \
        --log-events "timestamp=$(date +%s)000,message='$2'" >/dev/null
}

aws() {
    [[ "$1 $2" != 'lambda get-function-configuration' ]] || return 0 # this stack has tasks
    if [[ "$1 $2" == 'logs tail' ]]; then
        command aws logs filter-log-events --log-group-name "$3" --query 'events[].[message]' --output text
        return
    fi
    command aws "$@" || return
    # shellcheck disable=SC2154 # the variable is that of the commands
    [[ "$1 $2" != 'ecs wait' ]] || said "task/jwt-generator/${task##*/}" 'what the command says'
}
