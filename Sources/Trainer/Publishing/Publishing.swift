// SAEs on their way to a repository. Comes in: SAEs with their paths. Leaves: their files and the card, committed.

package import Shared

/// What came of publishing.
package struct PublishingResult: Sendable, Equatable {
  package let repository: String
  package let revision: String
  package let page: String
  package let paths: [String]
  package let didWork: Bool

  package var json: JSON {
    [
      "repository": .string(repository), "revision": .string(revision), "page": .string(page),
      "sae_ids": .array(paths.map { .string($0) }), "did_work": .bool(didWork),
    ]
  }
}

/// One upload of SAEs.
package struct Publishing: Sendable {
  private let saes: [PublishedSAE]
  private let repository: HubRepository
  private let visibility: HubVisibility
  private let environment: HubEnvironment
  private let mode: Progress.Mode
  private let terminal: Terminal

  package init(
    _ saes: [PublishedSAE], to repository: HubRepository, visibility: HubVisibility,
    environment: [String: String] = HubEnvironment.variables,
    mode: Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) throws {
    self.saes = saes
    self.repository = repository
    self.visibility = visibility
    self.environment = try HubEnvironment(environment)
    self.mode = mode
    self.terminal = terminal
  }

  /// Uploads what the repository does not have.
  package func run() throws -> PublishingResult {
    let upload = try HubUpload(
      environment, to: repository, visibility: visibility, mode: mode, terminal: terminal)
    try upload.requireAccess()
    try upload.open()
    let summary =
      saes.count == 1 ? "Upload SAE \(saes[0].path)" : "Upload \(saes.count) SAEs"
    for sae in saes { try upload.add(sae.files(), summary: summary) }
    try addCard(to: upload, summary)
    let result = try upload.finish(summary: summary)
    if mode != .quiet {
      terminal.print(
        result.changedCount > 0
          ? "uploaded \(result.changedCount) files to \(result.page)" : "\(result.page) has it all")
    }
    return PublishingResult(
      repository: upload.repository.id, revision: upload.repository.revision, page: result.page,
      paths: saes.map(\.path), didWork: result.changedCount > 0)
  }

  private func addCard(to upload: HubUpload, _ summary: String) throws {
    let suffix = "/cfg.json"
    let standing = upload.paths.filter { $0.hasSuffix(suffix) }.map {
      String($0.dropLast(suffix.count))
    }
    let card = SAECard(repository: upload.repository, saes: saes, standing: standing)
    guard let text = card.written(over: try upload.text("README.md")) else {
      upload.note("README.md of \(upload.repository.id) is not ours and stays as it is.")
      return
    }
    try upload.add([UploadFile("README.md", text: text)], summary: summary)
  }
}
