// The completions of a program as a script for bash.

enum BashCompletions {
  static func text(_ words: CompletionWords) -> String {
    let values = words.choices.map { setting, choices in
      "        \(setting)=*) choices='\(choices.joined(separator: " "))' ;;"
    }
    let takers = words.flags.filter { $0.value != nil && $0.value != "FILE" && $0.name != "--set" }
    return """
      # \(words.header(.bash))
      \(words.function)() {
        local line=${COMP_LINE:0:COMP_POINT} before= word choices=
        local current=${line##*[[:space:]]}
        for word in ${line%"$current"}; do before=$word; done
        COMPREPLY=()
        case $current in --set=*) before=--set current=${current#--set=} ;; esac
        case $before in
          --set)
            case $current in
      \(values.joined(separator: "\n"))
              *=*) ;;
              *)
                COMPREPLY=($(compgen -S = -W '\(names(words.settings))' -- "$current"))
                compopt -o nospace
                return
                ;;
            esac
            COMPREPLY=($(compgen -W "$choices" -- "${current#*=}"))
            [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${current%%=*}=}")
            return
            ;;
          completion) COMPREPLY=($(compgen -W '\(Shell.names.joined(separator: " "))' -- "$current")) ; return ;;
          help) COMPREPLY=($(compgen -W '\(words.topics.joined(separator: " "))' -- "$current")) ; return ;;
      \(takers.isEmpty ? "" : "    \(takers.map(\.name).joined(separator: "|"))) compopt -o default; return ;;\n")\
        esac
        if [[ $current == -* ]]; then
          COMPREPLY=($(compgen -W '\(names(words.flags))' -- "$current"))
          return
        fi
        compopt -o filenames
        COMPREPLY=($(compgen -d -- "$current") $(compgen -f -X '!*.json' -- "$current"))
        COMPREPLY+=($(compgen -f -X '!*.json5' -- "$current"))
        [[ $before == */\(words.program) || $before == \(words.program) ]] || return
        COMPREPLY+=($(compgen -W '\(names(words.verbs))' -- "$current"))
      }
      complete -F \(words.function) \(words.program)

      """
  }

  private static func names(_ words: [CompletionWords.Word]) -> String {
    words.map(\.name).joined(separator: " ")
  }
}
