// The door to the Hugging Face Hub, opened. Comes in: names and revisions of a pipeline file. Leaves: trees that
// are read over the network, and folders of the cache. Nothing is asked before the first name.

import Synchronization

/// What the environment says of the Hub, and what was learned from it within this program.
package final class HubInputs: HubDoor {
  /// What may be done for a name.
  package enum Reach: Sendable {
    /// Everything that it needs is downloaded.
    case fetching
    /// Lists and small files are; weights are only spoken of.
    case asking
    /// The network is left alone.
    case cacheOnly
  }

  private let reach: Reach
  private let environment: [String: String]
  private let progress: Progress.Mode
  private let terminal: Terminal
  private let known = Mutex(Known())

  private struct Known {
    var client: HubClient?
    var snapshots: [HubRepository: HubSnapshot] = [:]
  }

  package init(
    _ reach: Reach = .fetching,
    environment: [String: String] = HubEnvironment.variables,
    progress: Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) {
    self.reach = reach
    self.environment =
      reach == .cacheOnly
      ? environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 } : environment
    self.progress = progress
    self.terminal = terminal
  }

  /// The door for a command: a dry run only asks.
  package convenience init(_ invocation: Invocation) {
    self.init(
      invocation.isDryRun ? .asking : .fetching,
      progress: invocation.isQuiet ? .quiet : .automatic)
  }

  package var cached: any HubDoor {
    reach == .cacheOnly
      ? self
      : HubInputs(.cacheOnly, environment: environment, progress: .quiet, terminal: terminal)
  }

  private func client() throws -> HubClient {
    try known.withLock { known in
      if let client = known.client { return client }
      let client = HubClient(try HubEnvironment(environment), terminal: terminal)
      known.client = client
      return client
    }
  }

  /// A repository as it was when it was first asked for.
  private func snapshot(
    _ kind: HubRepository.Kind, _ id: String, _ revision: String?
  ) throws -> HubSnapshot {
    let repository = try HubRepository(kind, id, revision: revision)
    if let found = known.withLock({ $0.snapshots[repository] }) { return found }
    let found = try told(repository) { try client().snapshot(repository) }
    known.withLock { $0.snapshots[repository] = found }
    return found
  }

  package func datasetTree(
    _ id: String, revision: String?
  ) throws -> (tree: any FileTree, commit: String) {
    do {
      let snapshot = try snapshot(.dataset, id, revision)
      return (try client().tree(snapshot), snapshot.commit)
    } catch HubError.noRevision(let repository) {
      throw MissingRevision(id: repository.id, revision: repository.revision)
    }
  }

  package func fetchDataset(_ id: String, revision: String?, paths: [String]) throws -> String {
    try fetch(paths, of: snapshot(.dataset, id, revision))
  }

  package func describeModel(_ name: String, revision: String?) throws -> String {
    try fetch([ModelFiles.configuration], of: model(name, revision))
  }

  /// A repository that has a model's configuration.
  private func model(_ name: String, _ revision: String?) throws -> HubSnapshot {
    let snapshot = try snapshot(.model, ModelNames.repository(name), revision)
    guard snapshot.files.contains(where: { $0.path == ModelFiles.configuration }) else {
      throw UnreadModel(repository: snapshot.repository.id, lacks: .configuration)
    }
    return snapshot
  }

  package func fetchModel(_ name: String, revision: String?) throws -> String {
    let snapshot = try model(name, revision)
    let names = snapshot.files.map(\.path)
    let first = ModelFiles.first(names)
    switch ModelFiles.weights(names) {
    case nil: throw UnreadModel(repository: snapshot.repository.id, lacks: .weights)
    case .file?: return try fetchLarge(first, of: snapshot)
    case .index(let index)?:
      let path = try fetch(first, of: snapshot) + "/" + index
      let shards = try ModelFiles.shards(index: MappedFile.contents(path), path: path)
      return try fetchLarge(shards, of: snapshot)
    }
  }

  package func fetchTokenizer(_ name: String, revision: String?) throws -> String {
    let snapshot = try snapshot(.model, ModelNames.official(name) ?? name, revision)
    let needed = TokenizerFiles.needed(snapshot.files.map(\.path))
    guard !needed.isEmpty else {
      throw UnreadModel(repository: snapshot.repository.id, lacks: .vocabulary)
    }
    return try fetch(needed, of: snapshot)
  }

  package func fetchSAE(_ name: String, revision: String?) throws -> String {
    guard let location = SAELocation.parse(name) else { throw MissingSAE(path: name) }
    let snapshot = try snapshot(.model, location.repository, revision)
    let names = snapshot.files.map(\.path)
    let needed = location.files(names)
    guard !needed.isEmpty else {
      throw UnreadSAE(location: location, folders: SAELocation.folders(names))
    }
    let folder = try fetchLarge(needed, of: snapshot)
    return location.path.isEmpty ? folder : folder + "/" + location.path
  }

  private func fetch(_ paths: [String], of snapshot: HubSnapshot) throws -> String {
    try told(snapshot.repository) {
      try client().download(paths, of: snapshot, progress: progress)
    }
  }

  /// Fetches files that are only spoken of before the stage really runs.
  private func fetchLarge(_ paths: [String], of snapshot: HubSnapshot) throws -> String {
    if reach == .asking {
      let missing = try client().missingByteCount(paths, of: snapshot)
      guard missing == 0 else {
        throw NotFetched(
          repository: snapshot.repository, byteCount: missing, endpoint: snapshot.endpoint)
      }
    }
    return try fetch(paths, of: snapshot)
  }

  /// Says of what was not looked for in the network that it is not here, and no more.
  private func told<Value>(
    _ repository: HubRepository, _ body: () throws -> Value
  ) throws -> Value {
    do { return try body() } catch let error as HubError {
      switch error {
      case .offline where reach == .cacheOnly, .offlineFile where reach == .cacheOnly:
        throw NotFetched(repository: repository, byteCount: nil, endpoint: "")
      default: throw error
      }
    }
  }
}

/// A repository whose files are not fetched yet.
package struct NotFetched: Failure, Equatable {
  package let repository: HubRepository
  /// The bytes that have to be; nil where nobody asked.
  package let byteCount: Int?
  package let endpoint: String

  package var sentence: String {
    let start = "\(repository.words) is not on this machine"
    return byteCount.map {
      start + " yet: \(Readable.bytes($0)) are to be downloaded from \(endpoint)."
    } ?? start + "."
  }
  package var hint: String? { nil }
}

/// A repository that holds no model, or no tokenizer.
package struct UnreadModel: Failure, Equatable {
  package enum Part: Sendable { case configuration, weights, vocabulary }

  package let repository: String
  package let lacks: Part

  package var sentence: String { "The repository \(repository) holds no \(what)." }
  package var hint: String? { "Name a repository that holds it, or a folder." }

  private var what: String {
    switch lacks {
    case .configuration: ModelFiles.configuration
    case .weights: "weights: neither model.safetensors nor pytorch_model.bin"
    case .vocabulary: "tokenizer: no tokenizer.json, and no other vocabulary that is read"
    }
  }
}

/// A place in a repository where no SAE lies.
package struct UnreadSAE: Failure {
  package let location: SAELocation
  /// Where SAEs lie in it.
  package let folders: [String]

  package var sentence: String {
    let place = location.path.isEmpty ? "" : "\(location.path) of "
    return "\(place)the repository \(location.repository) holds no SAE."
  }
  package var hint: String? {
    guard !folders.isEmpty else {
      return "Name a folder with cfg.json and sae_weights.safetensors."
    }
    let shown = folders.prefix(6).map { $0.isEmpty ? "its top" : $0 }
    let more = folders.count > shown.count ? " and \(folders.count - shown.count) more" : ""
    return "It holds SAEs at \(shown.joined(separator: ", "))\(more)."
  }
}
