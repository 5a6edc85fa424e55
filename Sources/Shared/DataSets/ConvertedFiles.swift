// The branch `refs/convert/parquet`, in which the Hub keeps data sets of other formats as Parquet files.
// Comes in: its tree, `<configuration>/<split>/0000.parquet`. Leaves: the splits of a configuration.

package enum ConvertedFiles {
  package static let revision = "refs/convert/parquet"
  /// What the folder of a split begins with of which only the first gigabytes were converted.
  private static let partial = "partial-"

  /// The splits of the configuration that is named, or of the only one.
  static func splits(_ name: String?, in tree: DataTree) throws -> FoundSplits {
    let names = try tree.files.list("").filter { !$0.hasPrefix(".") && tree.isFolder($0) }
    guard !names.isEmpty else { throw DataError.noFiles(folder: tree.address) }
    let configuration = try configuration(name, names, tree)
    var found: [String: [String]] = [:]
    var cut: [String] = []
    for folder in try tree.files.list(configuration) {
      let place = configuration + "/" + folder
      guard tree.isFolder(place) else { continue }
      let split = folder.hasPrefix(partial) ? String(folder.dropFirst(partial.utf8.count)) : folder
      let paths = try tree.files.list(place).filter { $0.hasSuffix(".parquet") }
      if !paths.isEmpty { found[split, default: []] += paths.map { place + "/" + $0 } }
      if split != folder { cut.append(split) }
    }
    let usual = ["train", "validation", "test"].filter { found[$0] != nil }
    let order = usual + FilePattern.sorted(found.keys.filter { !usual.contains($0) })
    guard !order.isEmpty else { throw DataError.noFiles(folder: tree.name(configuration)) }
    var splits = FoundSplits(
      tree: tree,
      splits: order.map { SplitPaths(name: $0, paths: FilePattern.sorted(found[$0] ?? [])) },
      missing: { .unknownSplit($0, known: order, place: tree.name(configuration)) })
    splits.builder = .parquet
    splits.notes = ["\(tree.address) is read, where the Hub keeps this data set as Parquet files."]
    splits.notes += FilePattern.sorted(cut).map {
      "Of the split “\($0)” only the first gigabytes are in \(tree.address)."
    }
    return splits
  }

  private static func configuration(
    _ name: String?, _ names: [String], _ tree: DataTree
  ) throws(CardError) -> String {
    if let name {
      guard names.contains(name) else {
        throw .noSuchConfiguration(path: tree.address, name: name, names: names)
      }
      return name
    }
    if names.count == 1 { return names[0] }
    guard names.contains("default") else { throw .noDefault(path: tree.address, names: names) }
    return "default"
  }
}
