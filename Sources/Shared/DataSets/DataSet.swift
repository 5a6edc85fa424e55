// A data set as it lies on this machine. Comes in: settings. Leaves: its files and where they are at
// home.

/// The files of a text.
package struct DataSet: Sendable, Equatable {
  /// In the order in which they are read; at least one.
  package let files: [DataFile]
  /// The folder beside whose files `sae_lens.json` may stand; nil where there is none.
  package let home: String?

  /// Every file that the settings mean.
  package static func find(_ settings: PretokenizeSettings) throws -> DataSet {
    DataSet(files: try DataFiles.find(settings), home: DataFiles.home(settings))
  }
}
