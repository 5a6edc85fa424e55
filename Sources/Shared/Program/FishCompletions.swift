// The completions of a program as a script for fish.

enum FishCompletions {
  static func text(_ words: CompletionWords) -> String {
    let start = "complete -c \(words.program)"
    var lines = ["# \(words.header(.fish))", "\(start) -f"]
    lines += words.verbs.map {
      "\(start) -n __fish_use_subcommand -a \($0.name) -d \(quoted($0.help))"
    }
    lines.append("\(start) -a '(__fish_complete_suffix .json5 .json)'")
    lines.append(
      "\(start) -n '__fish_seen_subcommand_from completion' -a '\(Shell.names.joined(separator: " "))'"
    )
    lines.append(
      "\(start) -n '__fish_seen_subcommand_from help' -a '\(words.topics.joined(separator: " "))'")
    for flag in words.flags {
      let value =
        switch (flag.name, flag.value) {
        case (_, nil): ""
        case ("--set", _): " -x -a '(\(words.function)_settings)'"
        default: " -r -F"
        }
      lines.append("\(start) -l \(flag.name.dropFirst(2))\(value) -d \(quoted(flag.help))")
    }
    lines.append("function \(words.function)_settings")
    let known = words.choices.map(\.setting)
    for setting in words.settings where !known.contains(setting.name) {
      lines.append("  printf '%s\\t%s\\n' \(setting.name)= \(quoted(setting.help))")
    }
    for (setting, choices) in words.choices {
      let help = words.settings.first { $0.name == setting }?.help ?? ""
      for choice in choices {
        lines.append("  printf '%s\\t%s\\n' \(setting)=\(choice) \(quoted(help))")
      }
    }
    return (lines + ["end", ""]).joined(separator: "\n")
  }

  private static func quoted(_ text: String) -> String {
    let inner = text.reduce(into: "") { result, character in
      result += character == "'" || character == "\\" ? "\\\(character)" : String(character)
    }
    return "'\(inner)'"
  }
}
