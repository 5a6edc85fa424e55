// A trained SAE as it goes to the Hub. Comes in: a folder that SAELens opens. Leaves: the files of it that are
// published, and what its card says.

package import Shared

/// Why a folder cannot be published.
package enum PublishingError: Failure, Equatable {
  case noTarget(String)
  case noSAE(folder: String, file: String)
  case twoOfOnePath(String)

  package var sentence: String {
    switch self {
    case .noTarget(let text): "“\(text)” names no place on the Hub."
    case .noSAE(let folder, let file): "\(folder) holds no SAE: \(file) is not there."
    case .twoOfOnePath(let path): "Two of these runs would be uploaded as \(path)."
    }
  }

  package var hint: String? {
    switch self {
    case .noTarget: "Write --to OWNER/NAME, or --to OWNER/NAME/PATH for a folder of the repository."
    case .noSAE: "Give a run's folder, or any folder that SAELens opens."
    case .twoOfOnePath: nil
    }
  }
}

/// Where SAEs go: a repository, and a folder in it.
package struct PublishingTarget: Sendable, Equatable {
  package let repository: HubRepository
  package let path: String?

  /// Reads `OWNER/NAME` or `OWNER/NAME/PATH`.
  package init(_ text: String, revision: String?) throws {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
    let path = parts.dropFirst(2).joined(separator: "/")
    guard parts.count <= 2 || !path.isEmpty && HubRepository.isPath(path) else {
      throw PublishingError.noTarget(text)
    }
    guard RepositoryRules.isName(parts.prefix(2).joined(separator: "/")) else {
      throw PublishingError.noTarget(text)
    }
    repository = try HubRepository(
      .model, parts.prefix(2).joined(separator: "/"), revision: revision)
    self.path = path.isEmpty ? nil : path
  }
}

/// An SAE and the path that it gets in a repository.
package struct PublishedSAE: Sendable {
  package let folder: String
  package let path: String

  private static let needed = ["cfg.json", SAEWeights.fileName]
  private static let others = [
    "sparsity.safetensors", "runner_cfg.json", Evaluation.fileName, Report.fileName,
  ]
  static let pictureName = "curves.svg"

  /// Finds the files of a finished SAE.
  package init(folder: String, path: String) throws {
    self.folder = folder
    self.path = path
    let files = try System.list(folder)
    // Of a run the manifest is written last; other folders have none.
    let isRun = files.contains("metrics.jsonl") || files.contains("checkpoints")
    guard !isRun || files.contains(Manifest.fileName) else {
      throw TrainedSAEError.notFinished(folder: folder)
    }
    if let missing = PublishedSAE.needed.first(where: { !files.contains($0) }) {
      throw PublishingError.noSAE(folder: folder, file: missing)
    }
    guard
      let bytes = try? MappedFile.contents(folder + "/cfg.json"),
      (try? JSON(parsing: bytes))?.object != nil
    else { throw TrainedSAEError.unreadable(path: folder + "/cfg.json") }
  }

  /// What the run left for its report; nil where it is no run of ours.
  var report: Report? { try? Report.read(run: folder) }

  /// What cfg.json says.
  var configuration: JSON {
    (try? JSON(parsing: MappedFile.contents(folder + "/cfg.json"))) ?? .null
  }

  /// The files by their paths in the repository.
  func files() throws -> [UploadFile] {
    var files = try (PublishedSAE.needed + PublishedSAE.others).compactMap { name in
      let file = folder + "/" + name
      return System.exists(file) ? try UploadFile(path + "/" + name, file: file) : nil
    }
    if let picture = report.flatMap(CurvesPicture.init) {
      files.append(UploadFile("\(path)/\(PublishedSAE.pictureName)", text: picture.svg))
    }
    return files
  }
}
