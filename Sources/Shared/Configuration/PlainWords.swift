// The words of a command line that are no flags: a verb, what the verb needs, and the pipeline file.

extension Arguments {
  /// Gives every plain word its place: `[VERB] [OPERAND ...] [FILE]`, or `FILE VERB [OPERAND ...]`.
  mutating func place(
    _ words: ArraySlice<String>, _ verbs: [Verb], _ program: ProgramDescription
  ) throws(CommandLineError) {
    var rest = words
    func isVerb(_ word: String?) -> Bool { verbs.contains { $0.name == word } }
    if verb == nil, isVerb(rest.first) {
      verb = rest.popFirst()
    } else if verb == nil, rest.count > 1, isVerb(rest.dropFirst().first) {
      try takeFile(&rest, verbs, program)
      verb = rest.popFirst()
    }
    let known = verbs.first { $0.name == verb }
    for operand in known?.operands ?? [] {
      if let word = rest.popFirst() {
        operands.append(word)
        guard Verb.repeats(operand) else { continue }
        operands += rest
        rest = []
      } else if !operand.hasPrefix("["), switches.isDisjoint(with: [.help, .helpAll, .version]) {
        throw .missingOperand(operand.replacing("…", with: ""), verb: verb ?? "")
      }
    }
    if config == nil, !rest.isEmpty, known?.input != .flags {
      try takeFile(&rest, verbs, program)
    }
    guard let word = rest.first else { return }
    throw verb == nil && !mayBeFile(word) ? unknown(word, verbs, program) : .unexpectedWord(word)
  }

  private mutating func takeFile(
    _ rest: inout ArraySlice<String>, _ verbs: [Verb], _ program: ProgramDescription
  ) throws(CommandLineError) {
    guard config == nil, let word = rest.popFirst() else { throw .repeated("--config") }
    guard verb != nil || mayBeFile(word) else { throw unknown(word, verbs, program) }
    config = word
  }

  /// Whether a word names a file rather than a verb that there is not.
  private func mayBeFile(_ word: String) -> Bool {
    word.contains { "./".contains($0) } || System.exists(word)
  }

  private func unknown(
    _ word: String, _ verbs: [Verb], _ program: ProgramDescription
  ) -> CommandLineError {
    .unknownVerb(word, known: verbs.map(\.name), program: program.name)
  }
}
