// What can be wrong with the files that hold the text, in words.

/// Text that cannot be found or is of a kind that is not read.
package enum DataError: Failure, Equatable {
  /// Neither a file nor, where the Hub is asked, a name that it may have.
  case absent(String)
  case noFiles(folder: String)
  /// A repository that is not looked through as a whole.
  case tooManyFiles(folder: String, limit: Int)
  case noMatch(pattern: String)
  case emptySplit(String, folder: String)
  case onlyTrain(split: String)
  case unknownSplit(String, known: [String], place: String)
  case malformedSplit(String, why: String)
  /// Rounding to whole rows per percent of too small a split.
  case tooFewForPercent(count: Int)
  case unreadKind(path: String, kind: String)
  case unreadFormat(path: String, UnreadFormat)
  /// Most files of a folder are for a builder of datasets that is not there.
  case unreadBuilder(String, folder: String?)
  /// A builder that is told no files.
  case builderWithoutFiles(String)
  /// A name that promises a format which the content is not.
  case notOfItsKind(path: String, kind: String)
  /// A state.json whose list of files cannot be used.
  case badState(path: String)
  case address(String)

  /// Whether nothing is wrong but that no format of the files is read.
  package var isOfFormats: Bool {
    switch self {
    case .noFiles, .unreadKind, .unreadFormat, .unreadBuilder: true
    default: false
    }
  }

  package var sentence: String {
    switch self {
    case .absent(let path): "There is no text at \(path): no such file or folder."
    case .noFiles(let folder):
      "The folder \(folder) holds no .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet or .arrow "
        + "file."
    case .tooManyFiles(let folder, let limit):
      "\(folder) holds more than \(limit) files, which are not looked through."
    case .noMatch(let pattern): "No file matches \(pattern)."
    case .emptySplit(let split, let folder):
      "No file name in \(folder) tells that it belongs to the split “\(split)”."
    case .onlyTrain(let split):
      "These files have no split “\(split)”: files that are named, and files whose names tell no "
        + "split, are “train”."
    case .unknownSplit(let split, let known, let place):
      "\(place) has no split “\(split)”; there is "
        + known.map { "“\($0)”" }.joined(separator: ", ") + "."
    case .malformedSplit(let text, let why): "The split “\(text)” cannot be read: \(why)."
    case .tooFewForPercent(let count):
      "A split of \(count) rows is cut by pct1_dropremainder, which leaves nothing below 100 rows."
    case .unreadKind(let path, let kind): "\(path) is \(kind), which is not read."
    case .unreadFormat(let path, let format): "\(path) is \(format.words), which is not read."
    case .unreadBuilder(let name, nil): "“\(name)” is a builder of datasets that is not there."
    case .unreadBuilder(let name, let folder?):
      "Most files in \(folder) are for “\(name)”, a builder of datasets that is not there."
    case .builderWithoutFiles(let name):
      "“\(name)” is a builder of datasets, and no files are named for it."
    case .notOfItsKind(let path, let kind):
      "\(path) is named as \(kind) and does not start as such."
    case .badState(let path): "\(path) does not list the files of a data set."
    case .address(let address): "\(address) is an address that is not read."
    }
  }

  package var hint: String? {
    switch self {
    case .absent(let path) where path.hasPrefix("hf://"):
      "Set pretokenize.dataset_name, data_dir and data_files to what the repository holds."
    case .absent(let path):
      "Give a file, a folder or a name on the Hugging Face Hub (owner/name) as "
        + "pretokenize.dataset_path." + HomeFolder.rule(for: path)
    case .tooManyFiles: "Name the files, as pretokenize.data_files or pretokenize.data_dir."
    case .noFiles: "Give other files by name, as pretokenize.data_files."
    case .noMatch: "data_files are relative to dataset_path where that is a folder."
    case .emptySplit: "Name the files, as pretokenize.data_files, and leave split at “train”."
    case .onlyTrain: "Set pretokenize.split to “train”."
    case .unknownSplit: "Set pretokenize.split to one of them."
    case .malformedSplit:
      "Set pretokenize.split to a text such as train[:80%] or train[1000:]+test."
    case .tooFewForPercent: "Leave (pct1_dropremainder) out."
    case .notOfItsKind, .badState: "Fetch or create the file again."
    case .unreadKind: "Convert it to JSON Lines: one object per line, such as {\"text\": \"…\"}."
    case .unreadFormat(let path, let format): format.remedy(path)
    case .unreadBuilder:
      "Name the files that hold the text, as pretokenize.data_files; json, text, csv, parquet and "
        + "arrow are read."
    case .builderWithoutFiles: "Set pretokenize.data_files or pretokenize.data_dir."
    case .address:
      "Fetch the file and give its path, or name files of one data set on the Hugging Face Hub as "
        + "hf://datasets/owner/name/path."
    }
  }
}
