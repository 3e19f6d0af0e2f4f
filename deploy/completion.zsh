#compdef sendpost
# SPDX-License-Identifier: Apache-2.0
# Completion for zsh: what may come is said by the binary itself, and by a running agent.
_sendpost() {
  local -a lines described
  local line
  lines=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == :files ]]; then
    _files
    return
  fi
  for line in "${lines[@]}"; do
    [[ -n $line ]] && described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if [[ ${lines[1]%%$'\t'*} == *= ]]; then
    _describe -t values sendpost described -S ''
  else
    _describe -t values sendpost described
  fi
}
if [[ ${funcstack[1]-} == _sendpost ]]; then
  _sendpost "$@"
else
  compdef _sendpost sendpost
fi
