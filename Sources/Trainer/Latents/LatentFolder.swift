// The details of all latents beside a report: scripts that its page loads one at a time, which works for files as it
// does for servers. Comes in: details in the order of latents. Leaves: the folder `latents`, whole or not at all.

package import Shared

/// The folder as it is written.
package struct LatentFolder: ~Copyable {
  package static let name = "latents"
  /// Latents in a file.
  package static let chunk = 256
  package static let textName = "text.js"

  private let folder: AtomicFolder
  private var written = 0

  /// Begins the folder of a run.
  static func create(run: String) throws -> LatentFolder {
    LatentFolder(folder: try AtomicFolder.create(run + "/" + name))
  }

  private init(folder: consuming AtomicFolder) {
    self.folder = folder
  }

  /// The file of the latents from `number · chunk` on.
  package static func fileName(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 3 - String(number).count)) + "\(number).js"
  }

  /// What stands before the JSON of a file, and behind it.
  package static func call(_ number: Int) -> (String, String) {
    ("saelineLatents(\(number),", ");\n")
  }

  /// Reads a file of details.
  package static func read(run: String, number: Int) throws -> JSON {
    try read(run + "/" + name + "/" + fileName(number), call: call(number))
  }

  /// Reads the tokens of sequences and the texts of tokens.
  package static func readText(run: String) throws -> JSON {
    try read(run + "/" + name + "/" + textName, call: ("saelineText(", ");\n"))
  }

  private static func read(_ path: String, call: (String, String)) throws -> JSON {
    let bytes = try MappedFile.contents(path)
    let body = bytes.dropFirst(call.0.utf8.count).dropLast(call.1.utf8.count)
    guard bytes.starts(with: call.0.utf8), let json = try? JSON(parsing: Array(body)) else {
      throw EvaluationError.unreadable(path: path)
    }
    return json
  }

  /// Writes the next file.
  mutating func write(_ details: [LatentDetail]) throws {
    let texts = Parallel.map(details.count) { details[$0].json(.beside).canonical }
    let (start, end) = LatentFolder.call(written)
    let text = start + "[" + texts.joined(separator: ",\n") + "]" + end
    try AtomicFile.replace(folder.temporary + "/" + LatentFolder.fileName(written), with: text)
    written += 1
  }

  /// Writes the tokens of sequences and the texts of tokens, and puts the folder in its place.
  consuming func finish(_ sequences: [UInt32: [UInt32]], _ texts: [UInt32: String]) throws {
    let rows = sequences.sorted { $0.key < $1.key }.map { sequence, tokens in
      "\"\(sequence)\":[\(tokens.map { String($0) }.joined(separator: ","))]"
    }
    let words = texts.sorted { $0.key < $1.key }.map { token, text in
      "\"\(token)\":\(JSON.string(text).canonical)"
    }
    let text =
      "saelineText({\"sequences\":{" + rows.joined(separator: ",\n") + "},\n\"texts\":{"
      + words.joined(separator: ",\n") + "}});\n"
    try AtomicFile.replace(folder.temporary + "/" + LatentFolder.textName, with: text)
    try folder.publishReplacing()
  }
}
