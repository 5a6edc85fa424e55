// What people call runs on a command line. Comes in: words: folders of runs or of SAEs, pipeline files, stores,
// and names of runs in a store. Leaves: the folders.

package import Shared

/// A word that names no run.
package enum RunNameError: Failure, Equatable {
  case notFound(String, store: String)
  case noneOfPipeline(name: String, file: String, store: String)
  case noFolder(String)

  package var sentence: String {
    switch self {
    case .notFound(let word, let store):
      "\(word) is neither a folder, nor a pipeline file, nor a run in \(store)/runs."
    case .noneOfPipeline(let name, let file, let store):
      "\(store)/runs holds no run of \(file), which is called \(name)."
    case .noFolder(let path): "\(path) is neither a run nor a store."
    }
  }

  package var hint: String? {
    switch self {
    case .notFound: "saeline-train status lists the runs of a store; --store names another."
    case .noneOfPipeline(_, let file, _): "saeline-train \(file) trains it."
    case .noFolder: "Give a folder of a store's runs, a store, or a name."
    }
  }

  package var exitCode: ExitCode { .wrongInput }
}

/// Finds runs by name.
package struct RunNames: Sendable {
  private let store: String

  /// - Parameter store: where names that are no files are looked for.
  package init(store: String) { self.store = store }

  /// The folders that words name, each once, in their order; of a store, all of its runs by name.
  package func folders(_ words: [String]) throws -> [String] {
    var folders: [String] = []
    for word in words {
      for folder in try self.folders(word) where !folders.contains(folder) {
        folders.append(folder)
      }
    }
    return folders
  }

  /// The runs of a store, in order of name.
  package static func runs(in store: String) -> [String] {
    let parent = store + "/" + Stage.runs.rawValue
    return ((try? System.list(parent)) ?? []).map { parent + "/" + $0 }
      .filter { System.isDirectory($0) && RunStatus.isRun($0) }
  }

  private func folders(_ word: String) throws -> [String] {
    let path = word.count > 1 && word.hasSuffix("/") ? String(word.dropLast()) : word
    if System.isDirectory(path) {
      if System.isDirectory(path + "/" + Stage.runs.rawValue) { return RunNames.runs(in: path) }
      return try folder(path)
    }
    if System.exists(path) {
      let pipeline = try PipelineFile.read(path, overrides: [], running: "train").pipeline
      let found = pipeline.stores.paths.flatMap { RunNames.called(pipeline.name, in: $0) }
      guard !found.isEmpty else {
        throw RunNameError.noneOfPipeline(
          name: pipeline.name, file: path, store: pipeline.store)
      }
      return found
    }
    let found = RunNames.called(word, in: store)
    guard !found.isEmpty else { throw RunNameError.notFound(word, store: store) }
    return found
  }

  /// A folder that may be that of a run or of an SAE.
  private func folder(_ path: String) throws -> [String] {
    guard RunStatus.isRun(path) || System.exists(path + "/cfg.json") else {
      throw RunNameError.noFolder(path)
    }
    return [path]
  }

  /// Runs by their folder's name, or by all of it before the fingerprint.
  private static func called(_ name: String, in store: String) -> [String] {
    let label = StageKey.plain(name)
    return runs(in: store).filter { folder in
      let own = folder.split(separator: "/").last.map(String.init) ?? folder
      return own == name
        || own.dropLast(StageKey.shownDigits + 1) == label
          && own.dropLast(StageKey.shownDigits).hasSuffix("-")
    }
  }
}
