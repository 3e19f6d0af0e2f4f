# SPDX-License-Identifier: Apache-2.0
# Completion for bash: what may come is said by the binary itself, and by a running agent.
_sendpost() {
  local -a words=("${COMP_WORDS[0]}") lines=()
  local line word=${COMP_WORDS[COMP_CWORD]} i
  for ((i = 1; i <= COMP_CWORD; i++)); do # bash has cut words at = and :
    if ((i > 1)) && [[ ${COMP_WORDS[i]} == [=:]* || ${words[-1]} == *[=:] ]]; then
      words[-1]+=${COMP_WORDS[i]}
    else
      words+=("${COMP_WORDS[i]}")
    fi
  done
  COMPREPLY=()
  mapfile -t lines < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
  if [[ ${lines[0]-} == :files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
    return
  fi
  for line in "${lines[@]}"; do
    COMPREPLY+=("${line%%$'\t'*}")
  done
  [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}
complete -F _sendpost sendpost
