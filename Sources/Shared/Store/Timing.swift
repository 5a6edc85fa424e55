// How fast a stage was, in `timing.json` beside its manifest. Not part of the manifest, whose
// bytes depend on the settings alone; written by the worker that finished the stage.

/// What one worker did in which time.
package struct Timing: Sendable, Equatable {
  package let tokens: Int
  package let seconds: Double

  package init(tokens: Int, seconds: Double) {
    self.tokens = tokens
    self.seconds = seconds
  }

  package var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

  /// Writes `timing.json` into a stage's folder.
  package func write(folder: String) throws(SystemError) {
    let text = JSON.object([
      "tokens": .integer(tokens), "seconds": .number(seconds),
      "tokens_per_second": .number(tokensPerSecond),
    ]).pretty
    try AtomicFile.replace(folder + "/timing.json", with: text)
  }

  /// The timing of a stage's folder; nil where none was written or it cannot be read.
  package static func read(folder: String) -> Timing? {
    guard let text = try? MappedFile.contents(folder + "/timing.json"),
      let json = try? JSON(parsing: text), let tokens = json["tokens"]?.integer,
      let seconds = json["seconds"]?.double
    else { return nil }
    return Timing(tokens: tokens, seconds: seconds)
  }
}
