// The completions of a program as a function for zsh.

enum ZshCompletions {
  static func text(_ words: CompletionWords) -> String {
    let flags = words.flags.map { flag in
      let repeats = flag.name == "--set" ? "*" : ""
      return "    '\(repeats)\(flag.name)[\(escaped(flag.help))]\(action(flag, words))' \\"
    }
    let values = words.choices.map { setting, choices in
      "      \(setting)) values=(\(choices.map { "'\($0)'" }.joined(separator: " "))) ;;"
    }
    return """
      #compdef \(words.program)
      # \(words.header(.zsh))
      \(words.function)_settings() {
        local -a values
        if compset -P 1 '*='; then
          case ${IPREFIX%=} in
      \(values.joined(separator: "\n"))
          esac
          compadd -a values
        else
          values=(
      \(described(words.settings))
          )
          _describe -t settings setting values -S =
        fi
      }
      \(words.function)_first() {
        local -a verbs
        verbs=(
      \(described(words.verbs))
        )
        _describe -t verbs verb verbs
        _files -g '*.json(|5)(-.)'
      }
      \(words.function)_rest() {
        case $words[2] in
          completion) compadd \(Shell.names.joined(separator: " ")) ;;
          help) compadd -- \(words.topics.joined(separator: " ")) ;;
          *) _files ;;
        esac
      }
      \(words.function)() {
        _arguments -S \\
      \(flags.joined(separator: "\n"))
          '1: :\(words.function)_first' \\
          '*: :\(words.function)_rest'
      }
      if [ "$funcstack[1]" = "_\(words.program)" ]; then
        \(words.function) "$@"
      else
        compdef \(words.function) \(words.program)
      fi

      """
  }

  private static func action(_ flag: CompletionWords.Word, _ words: CompletionWords) -> String {
    switch (flag.name, flag.value) {
    case (_, nil): ""
    case ("--set", _): ":setting:\(words.function)_settings"
    case (_, let value?): ":\(value):_files"
    }
  }

  /// Words with their help, as `_describe` takes them.
  private static func described(_ words: [CompletionWords.Word]) -> String {
    words.map { "      '\(escaped($0.name)):\(escaped($0.help))'" }.joined(separator: "\n")
  }

  /// A text within single quotes in which colons and brackets mean themselves.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "'": result += "'\\''"
      case ":", "[", "]", "\\": result += "\\\(character)"
      default: result.append(character)
      }
    }
  }
}
