// What `sae_lens.json` beside a tokenized data set says of how it was made. Comes in: that file, here or in a
// repository, and the settings. Leaves: a sentence for each option in which they differ, for people.

package import Shared

/// The record that SAELens leaves beside the rows it tokenized.
package struct RecordedOptions: Sendable {
  package static let fileName = "sae_lens.json"
  private let path: String
  private let record: JSON

  /// A longer record is none: it has some ten short members.
  private static let byteLimit = 1 << 20

  /// Reads the record in the folder of a data set; nil where there is none that can be read.
  package init?(_ home: DataHome?) {
    guard let file = try? home?.file(Self.fileName, atMost: Self.byteLimit),
      let record = try? JSON(parsing: file.bytes), record.object != nil
    else { return nil }
    self.path = file.path
    self.record = record
  }

  /// A sentence for each option whose recorded value is not the one that is set.
  package func differences(_ settings: PretokenizeSettings) -> [String] {
    let ours: [(String, JSON)] = [
      ("context_size", .integer(settings.contextSize)),
      ("tokenizer_name", settings.tokenizerName.json),
      ("begin_batch_token", settings.beginBatchToken.json),
      ("begin_sequence_token", settings.beginSequenceToken.json),
      ("sequence_separator_token", settings.sequenceSeparatorToken.json),
      ("disable_concat_sequences", .bool(settings.disableConcatSequences)),
    ]
    return ours.compactMap { name, value in
      guard let recorded = record[name], !isSame(recorded, value) else { return nil }
      return
        "\(path) records \(name) \(JSON.clipped(recorded.canonical)), but pretokenize.\(name) is "
        + "\(JSON.clipped(value.canonical))."
    }
  }

  /// Names of tokenizers are the same where their last parts are: one may be a local folder.
  private func isSame(_ first: JSON, _ second: JSON) -> Bool {
    if let first = first.string, let second = second.string {
      return first.split(separator: "/").last == second.split(separator: "/").last
    }
    return first.canonical == second.canonical
  }
}

extension RecordedOptions {
  /// What SAELens records of how a data set was tokenized; `place` says how paths are stated.
  static func record(
    _ settings: PretokenizeSettings, column: String, place: (String) -> String
  ) -> JSON {
    [
      "tokenizer_name": settings.tokenizerName.map(place).json,
      "original_dataset": .string(place(settings.datasetPath)),
      "original_dataset_name": settings.datasetName.json,
      "original_split": .string(settings.split),
      "original_data_files": settings.dataFiles?.map(place).json ?? .null,
      "original_column_name": .string(column), "context_size": .integer(settings.contextSize),
      "shuffled": .bool(settings.shuffle), "seed": settings.seed.json,
      "begin_batch_token": settings.beginBatchToken.json,
      "begin_sequence_token": settings.beginSequenceToken.json,
      "sequence_separator_token": settings.sequenceSeparatorToken.json,
      "disable_concat_sequences": .bool(settings.disableConcatSequences),
      "use_chat_formatting": .bool(false),
    ]
  }
}
