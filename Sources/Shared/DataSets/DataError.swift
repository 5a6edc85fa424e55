// What can be wrong with the files that hold the text, in words.

/// Text that cannot be found or is of a kind that is not read.
package enum DataError: Failure, Equatable {
  case absent(String)
  case noFiles(folder: String)
  case noMatch(pattern: String)
  case emptySplit(String, folder: String)
  case onlyTrain(split: String)
  case slicedSplit(String)
  case unreadKind(path: String, kind: String)
  /// A name that promises a format which the content is not.
  case notOfItsKind(path: String, kind: String)
  /// A state.json whose list of files cannot be used.
  case badState(path: String)

  package var sentence: String {
    switch self {
    case .absent(let path): "There is no text at \(path): no such file or folder."
    case .noFiles(let folder):
      "The folder \(folder) holds no .jsonl, .ndjson, .json, .txt, .parquet or .arrow file."
    case .noMatch(let pattern): "No file matches \(pattern)."
    case .emptySplit(let split, let folder):
      "No file name in \(folder) tells that it belongs to the split “\(split)”."
    case .onlyTrain(let split):
      "These files have no split “\(split)”: files that are named, and files whose names tell no "
        + "split, are “train”."
    case .slicedSplit(let split): "Slices of a split are not read: “\(split)”."
    case .unreadKind(let path, let kind): "\(path) is \(kind), which is not read."
    case .notOfItsKind(let path, let kind):
      "\(path) is named as \(kind) and does not start as such."
    case .badState(let path): "\(path) does not list the files of a data set."
    }
  }

  package var hint: String? {
    switch self {
    case .absent:
      "Give a file or folder as pretokenize.dataset_path; this version does not download from the "
        + "Hugging Face Hub."
    case .noFiles: "Give other files by name, as pretokenize.data_files."
    case .noMatch: "data_files are relative to dataset_path where that is a folder."
    case .emptySplit: "Name the files, as pretokenize.data_files, and leave split at “train”."
    case .onlyTrain: "Set pretokenize.split to “train”."
    case .slicedSplit: "Set pretokenize.split to the name of the split alone."
    case .notOfItsKind, .badState: "Fetch or create the file again."
    case .unreadKind: "Convert it to JSON Lines: one object per line, such as {\"text\": \"…\"}."
    }
  }
}
