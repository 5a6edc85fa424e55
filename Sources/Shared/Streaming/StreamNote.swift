// What is kept of a streamed shard when it is gone. Comes in: a shard. Leaves: the sums over its rows, from which
// the statistics of the whole cache are put together, and its digest, which a shard that is made again must have.

/// The note about a shard of one hook point.
package struct StreamNote: Sendable, Equatable {
  package let sha256: String
  package let statistics: ActivationStatistics

  package init(sha256: String, statistics: ActivationStatistics) {
    self.sha256 = sha256
    self.statistics = statistics
  }

  /// Bytes of a note, at most.
  package static func byteCount(dIn: Int) -> Int { 52 * dIn + 512 }

  package var text: String {
    var members = statistics.metadata.mapValues { JSON.string($0) }
    members["sha256"] = .string(sha256)
    members["rows"] = .integer(statistics.rows)
    return JSON.object(members).canonical
  }

  /// Reads a note of a hook point that is `dIn` wide; nil where there is none, or a damaged one.
  package static func read(_ path: String, dIn: Int) throws(SystemError) -> StreamNote? {
    guard let bytes = try MappedFile.contents(ifThere: path) else { return nil }
    guard let json = try? JSON(parsing: bytes), let sha256 = json["sha256"]?.string,
      let rows = json["rows"]?.integer, rows >= 0,
      let statistics = try? ActivationStatistics(
        metadata: (json.object ?? [:]).compactMapValues(\.string), rows: rows, dIn: dIn, path: path)
    else { return nil }
    return StreamNote(sha256: sha256, statistics: statistics)
  }
}
