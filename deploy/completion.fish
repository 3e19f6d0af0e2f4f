# SPDX-License-Identifier: Apache-2.0
# Completion for fish: what may come is said by the binary itself, and by a running agent.
function __sendpost_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l lines ($words[1] __complete -- $words[2..-1] "$word" 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path "$word"
        return
    end
    string join \n -- $lines
end
complete -c sendpost -f -a '(__sendpost_complete)'
