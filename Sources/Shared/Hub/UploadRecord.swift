// What an upload left in a repository, kept beside the stage it was made of, so that the next run need not
// make the same files again to find that they are there.

/// The files of an upload and what they were made of.
package struct UploadRecord: Sendable, Equatable {
  package static let fileName = "upload.json"

  /// The settings that the files depend on, and where they went.
  private let key: JSON
  /// What tells the contents apart, by path.
  private let files: [String: String]

  package init(_ key: JSON, files: [String: String]) {
    self.key = key
    self.files = files
  }

  /// Reads the record of a stage; nil where there is none of these settings.
  package static func read(folder: String, key: JSON) -> UploadRecord? {
    guard let bytes = try? MappedFile.contents(folder + "/" + fileName),
      let json = try? JSON(parsing: bytes), json["made_of"] == key,
      let files = json["files"]?.object
    else { return nil }
    return UploadRecord(key, files: files.compactMapValues(\.string))
  }

  package func write(folder: String) throws {
    let json: JSON = ["made_of": key, "files": .object(files.mapValues { .string($0) })]
    try AtomicFile.replace(folder + "/" + UploadRecord.fileName, with: json.pretty)
  }

  /// Whether a repository has all of the files as they were.
  package func isIn(_ upload: HubUpload) -> Bool {
    !files.isEmpty && upload.identities(Array(files.keys)) == files
  }
}
