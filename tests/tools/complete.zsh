# zsh -f complete.zsh SHELL SCRIPT LINE: loads the completions of SCRIPT into an interactive SHELL (bash or zsh), types LINE and the
# tabulator key there, and prints the line that results.
zmodload zsh/zpty || exit 1
case $1 in
    bash)
        zpty shell 'PS1= TERM=dumb bash --norc --noprofile -i'
        zpty -w shell "bind 'set bell-style none'; bind -x '\"\\C-x\": printf \"\\nline=[%s]\\n\" \"\$READLINE_LINE\"'"
        ;;
    zsh)
        zpty shell 'PS1= TERM=dumb zsh -f -i'
        zpty -w shell 'autoload -U compinit; compinit -u -D; bindkey "^I" complete-word'
        zpty -w shell 'show-line() { BUFFER="print -r -- ${(qq):-line=[$BUFFER]}"; zle accept-line }; zle -N show-line; bindkey "^X" show-line'
        ;;
esac
zpty -w shell "source ${(q)2}"
zpty -w -n shell "$3"$'\t\x18'
# Blocks until the shell has shown its line.
zpty -r shell output $'*\nline=\\[*\\]*'
[[ $output =~ $'\nline=\\[(.*)\\]' ]] && print -r -- "$match[1]"
