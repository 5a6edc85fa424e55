// The frame around the upload of a finished stage. Comes in: the settings, and what makes the files. Leaves:
// the files in the repository, sent by one process where several end the stage together.

/// Where a stage's result goes on the Hub.
package struct StageUpload: Sendable {
  package let repository: HubRepository
  private let environment: HubEnvironment
  private let visibility: HubVisibility
  private let mode: Progress.Mode
  private let terminal: Terminal

  /// The file that says which process uploads.
  private static let leaseName = "upload" + Lease.suffix
  private static let pollSeconds = 0.2

  /// Asks the Hub whether the token is good, before any work.
  ///
  /// - Throws: why nothing can be uploaded.
  package init(
    _ repository: HubRepository, visibility: HubVisibility,
    environment: [String: String] = HubEnvironment.variables,
    mode: Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) throws {
    self.environment = try HubEnvironment(environment)
    self.visibility = visibility
    self.mode = mode
    self.terminal = terminal
    let upload = try HubUpload(
      self.environment, to: repository, visibility: visibility, mode: mode, terminal: terminal)
    try upload.requireAccess()
    self.repository = upload.repository
  }

  /// Uploads what `send` adds, unless the repository has it.
  ///
  /// - Parameters:
  ///   - folder: the finished stage.
  ///   - key: what the files depend on.
  ///   - send: adds the files; called with an upload whose branch has been looked at. Returns their paths.
  /// - Returns: the page of the repository.
  /// - Throws: what went wrong on the way; the next run goes on from there.
  package func run(
    folder: StageFolder, key: JSON, send: (HubUpload) throws -> [String]
  ) throws -> String {
    // Where nothing may be written, nobody hears of it: the Hub itself takes each file once.
    let lease = folder.access == .read ? nil : try claim(folder)
    defer { lease?.release() }
    let upload = try HubUpload(
      environment, to: repository, visibility: visibility, mode: mode, terminal: terminal)
    try upload.open()
    let place: JSON = [
      "endpoint": .string(environment.endpoint), "repository": .string(repository.id),
      "revision": .string(repository.revision), "fingerprint": .string(folder.fingerprint ?? ""),
      "settings": key,
    ]
    if let record = UploadRecord.read(folder: folder.path, key: place), record.isIn(upload) {
      say("\(upload.page) has it all")
      return upload.page
    }
    let paths = try send(upload)
    let result = try upload.finish(summary: StageUpload.summary)
    if folder.access == .written {
      try UploadRecord(place, files: upload.identities(paths)).write(folder: folder.path)
    }
    say(
      result.changedCount > 0
        ? "uploaded to \(result.page)" : "\(result.page) has it all")
    return result.page
  }

  /// What commits are called, as by `push_to_hub`.
  package static let summary = "Upload dataset"

  private func say(_ text: String) { if mode != .quiet { terminal.print(text) } }

  /// Waits until no other process uploads the stage.
  private func claim(_ folder: StageFolder) throws -> Lease {
    let path = folder.path + "/" + StageUpload.leaseName
    var watch = LeaseWatch()
    var hasSaid = false
    while true {
      if try watch.look(at: path) == .free, let lease = try Lease.claim(path) { return lease }
      if !hasSaid {
        let who = Waiting.holders([path]) ?? "another process"
        say("waiting for the upload of this stage by \(who)")
      }
      hasSaid = true
      if System.isInterrupted {
        throw Interrupted("Stopped while another process uploads this stage.", hint: nil)
      }
      System.sleep(seconds: StageUpload.pollSeconds)
    }
  }
}
