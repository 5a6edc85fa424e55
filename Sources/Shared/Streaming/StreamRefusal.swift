// What a stream cannot do.

/// Why activations are not streamed.
package enum StreamRefusal: Failure, Equatable {
  /// Training reads a hook point that is not cached.
  case notCached(hook: String)
  /// The runs of a sweep read different hook points.
  case severalHooks([String])
  case otherRows(path: String, rows: Int, expected: Int)

  package var sentence: String {
    switch self {
    case .notCached(let hook):
      "cache.max_disk_gb streams what training reads, but the section cache does not take \(hook)."
    case .severalHooks(let names):
      "The runs of train.sweep read different hook points (\(names.joined(separator: ", "))), of which "
        + "cache.max_disk_gb streams only those of one run."
    case .otherRows(let path, let rows, let expected):
      "\(path) has \(rows) rows, but \(expected) are expected."
    }
  }

  package var hint: String? {
    switch self {
    case .notCached: "Add it to cache.hook_names, or leave cache.max_disk_gb out."
    case .severalHooks: "Give each hook point a pipeline file, or leave cache.max_disk_gb out."
    case .otherRows: "Remove the folder stream beside it and run both programs again."
    }
  }

  /// Refuses runs that do not read the same hook points; `hooks` are those of each.
  package static func check(_ hooks: [[String]]) throws(StreamRefusal) {
    guard Set(hooks).count > 1 else { return }
    throw .severalHooks(Set(hooks.joined()).sorted())
  }
}
