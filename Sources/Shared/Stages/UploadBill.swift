// What an upload will send, before there is anything to send. Comes in: the repository, and the files as far as they
// are known. Leaves: a line of the bill, and what keeps the upload from happening.

/// The files that a stage will leave in a repository.
package struct UploadBill: Sendable {
  private let repository: HubRepository
  private let page: String
  private let fileCount: Int?
  private let byteCount: Int?
  /// What else the number of bytes says, such as that it is one before compression.
  private let remark: String
  /// What will be refused before any work; nil where nothing is that this machine knows of.
  package let problem: (any Failure)?

  /// Asks nothing of the network.
  ///
  /// - Throws: where the environment cannot be read.
  package init(
    _ repository: HubRepository, fileCount: Int?, byteCount: Int?, remark: String = "",
    environment: [String: String]
  ) throws {
    let environment = try HubEnvironment(environment)
    self.repository = repository
    page = repository.page(environment.endpoint)
    (self.fileCount, self.byteCount, self.remark) = (fileCount, byteCount, remark)
    do throws(UploadError) {
      _ = try HubUpload(environment, to: repository, mode: .quiet)
      problem = nil
    } catch { problem = error }
  }

  private var line: StageBill.Line {
    let files = fileCount.map { "\($0) files" }
    let bytes = byteCount.map { Readable.bytes($0) + remark }
    let branch = repository.revision == "main" ? "" : ", branch \(repository.revision)"
    let amount = [files, bytes].compactMap { $0 }.joined(separator: ", ")
    return .init(
      "upload", (amount.isEmpty ? "" : amount + ", ") + "to \(page)\(branch)", key: "upload",
      [
        "page": .string(page), "revision": .string(repository.revision),
        "files": fileCount.json, "bytes": byteCount.json,
      ])
  }

  /// Adds the line to the bill of the stage, and what stands against the upload to what is missing.
  package func add(to bill: inout StageBill) {
    bill.lines.append(line)
    if let problem { bill.missing.append(problem.sentence) }
  }
}
