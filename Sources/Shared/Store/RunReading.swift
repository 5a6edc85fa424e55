// What a run in training reads, as its folder says until there is a manifest: `run.json`. The trainer writes it, and
// who looks after the store keeps what it names.

package enum RunReading {
  package static let fileName = "run.json"
  package static let key = "inputs"

  /// The fingerprints of the stages that the run in a folder reads; nil where it does not say.
  package static func inputs(of folder: String) -> [String]? {
    guard let bytes = try? MappedFile.contents(folder + "/" + fileName),
      let items = (try? JSON(parsing: bytes))?[key]?.array
    else { return nil }
    let texts = items.compactMap(\.string)
    return texts.count == items.count ? texts : nil
  }
}
