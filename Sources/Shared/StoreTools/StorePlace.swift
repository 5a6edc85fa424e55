// What a word on the command line names: a store, a folder of one, or a pipeline file with the stores that it reads.

/// A place that the verbs that look after stores work on.
package enum StorePlace: Sendable, Equatable {
  case store(String)
  case part(String, Stage)
  case pipeline(Pipeline)

  /// The stores that a place names whole.
  package var stores: [String] {
    switch self {
    case .store(let path): [path]
    case .part: []
    case .pipeline(let pipeline): pipeline.stores.paths.filter { System.isDirectory($0) }
    }
  }

  package init(_ word: String) throws {
    var path = word
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard try System.isThere(path) else { throw StorePlaceError.nothing(path: path) }
    guard System.isDirectory(path) else {
      self = .pipeline(try PipelineFile.read(path).pipeline)
      return
    }
    if let stage = StorePlace.kind(of: path) {
      self = .part(path, stage)
    } else if Stage.allCases.contains(where: { System.isDirectory("\(path)/\($0.rawValue)") }) {
      self = .store(path)
    } else {
      throw StorePlaceError.neither(path: path)
    }
  }

  /// The folder of a stage at a path, wherever it lies.
  package static func stageFolder(_ word: String) throws -> (path: String, stage: Stage) {
    guard case .part(let path, let stage) = try StorePlace(word) else {
      throw StorePlaceError.noFolder(path: word)
    }
    return (path, stage)
  }

  private static func kind(of path: String) -> Stage? {
    if let name = folder(of: path).split(separator: "/").last,
      let stage = Stage(rawValue: String(name))
    {
      return stage
    }
    guard let bytes = try? MappedFile.contents(path + "/" + Manifest.fileName),
      let manifest = try? Manifest(parsing: bytes, path: path)
    else { return nil }
    return manifest.stage
  }
}

/// A word that names nothing that can be looked after.
package enum StorePlaceError: Failure, Equatable {
  case nothing(path: String)
  case neither(path: String)
  case noFolder(path: String)
  case noStore(path: String)

  package var sentence: String {
    switch self {
    case .nothing(let path): "\(path) does not exist."
    case .neither(let path): "\(path) is neither a store nor a folder of one."
    case .noFolder(let path): "\(path) is no folder of a store."
    case .noStore(let path): "\(path) is no store."
    }
  }

  package var hint: String? {
    switch self {
    case .nothing, .neither, .noStore:
      "A store has folders tokens, activations or runs; ./store is one where no other was named."
    case .noFolder: "Give one of those that ls lists, such as store/runs/NAME-FINGERPRINT."
    }
  }
}
