# SPDX-License-Identifier: Apache-2.0
# Completion for bash: commands and options as the binary names them, sendposts as a running agent knows them, files otherwise.
_sendpost() {
  local sendpost=${COMP_WORDS[0]} command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} words=
  if [ "$COMP_CWORD" -eq 1 ] || [ "$command" = help ]; then
    words=$("$sendpost" help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
  elif [ "${word#-}" != "$word" ]; then
    words=$("$sendpost" help "$command" 2>/dev/null | grep -o -- '--[a-z][a-z-]*')
  else
    case $command in
      show | runs | run | follow | cancel | pause | resume | block | step | retry)
        words=$("$sendpost" list 2>/dev/null | awk 'NR > 1 { print $1 }')
        ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _sendpost sendpost
