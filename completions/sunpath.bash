# SPDX-License-Identifier: MIT
# sunpath.bash - completes verbs, options and socket files for bash.

_sunpath() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}

    compopt +o default
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$verb" = help ]; }; then
        # the table of `sunpath help` is indented by two
        mapfile -t COMPREPLY < <(compgen -W "$(sunpath help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$word")
        return
    fi
    case $previous in
    --type) mapfile -t COMPREPLY < <(compgen -W "stream seqpacket dgram" -- "$word") && return ;;
    --frame) mapfile -t COMPREPLY < <(compgen -W "line nul u8 u16be u16le u32be u32le u64be u64le varint netstring content-length" -- "$word") && return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W "common combined json" -- "$word") && return ;;
    --dotfiles) mapfile -t COMPREPLY < <(compgen -W "ignore deny allow" -- "$word") && return ;;
    --proxy-headers) mapfile -t COMPREPLY < <(compgen -W "x-forwarded x-real-ip forwarded" -- "$word") && return ;;
    --owner | --user | --expect-user) mapfile -t COMPREPLY < <(compgen -u -- "$word") && return ;;
    --group) mapfile -t COMPREPLY < <(compgen -g -- "$word") && return ;;
    esac
    if [[ $word == -* ]]; then
        # the options a manual describes are its tags
        mapfile -t COMPREPLY < <(compgen -W "$(sunpath help "$verb" 2>/dev/null |
            sed -n '/^    -/p' | grep -oE -- '(^| )--?[a-zA-Z][a-z-]*' | sort -u)" -- "$word")
        return
    fi
    compopt -o default
}

complete -F _sunpath sunpath
