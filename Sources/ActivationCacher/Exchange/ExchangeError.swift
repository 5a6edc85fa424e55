// What can be wrong with activations on their way to or from SAELens, and the sentences for it.

package import Shared

/// Why activations cannot be exported or imported.
package enum ExchangeError: Failure, Equatable {
  // Export
  case unknownFormat(String)
  case notInPipeline(hook: String, known: [String])
  case notCached(hook: String, store: String)
  case outputExists(String)
  case unequalLengths(path: String, sequence: Int, count: Int, expected: Int)
  case repeatedRow(path: String, sequence: Int, position: Int)
  case matrixTooLarge(rows: Int, columns: Int)
  // Import
  case noCache(String)
  case unfinishedCache(String)
  case malformedState(path: String)
  case missingColumn(path: String, column: String, found: [String])
  case notMatrices(path: String, column: String)
  case shapeDiffers(path: String, shape: [Int], expected: [Int])
  case noSingleTensor(path: String, count: Int)
  case notATensorOfRows(path: String, tensor: String, type: TensorType, shape: [Int])
  case notAToken(path: String, row: Int, value: Int)
  case notFinite(path: String, row: Int)
  case empty(String)
  case tooManySequences(String)
  case contradiction(key: String, given: Int, folder: String, fact: String)

  package var sentence: String {
    switch self {
    case .unknownFormat(let format):
      "Activations cannot be exported as \(format); sae_lens is the one format."
    case .notInPipeline(let hook, let known):
      "\(hook) is none of the pipeline file's hook points: \(known.joined(separator: ", "))."
    case .notCached(let hook, let store):
      "The store \(store) holds no finished activations of \(hook) with these settings."
    case .outputExists(let path): "\(path) exists and is no empty folder."
    case .unequalLengths(let path, let sequence, let count, let expected):
      "\(path) holds \(count) rows of sequence \(sequence) where other sequences have \(expected); "
        + "SAELens's layout has one length."
    case .repeatedRow(let path, let sequence, let position):
      "\(path) holds two rows for position \(position) of sequence \(sequence)."
    case .matrixTooLarge(let rows, let columns):
      "A sequence of \(rows) rows of \(columns) numbers is too large for SAELens's layout."
    case .noCache(let folder):
      "\(folder) holds no cache: neither state.json nor a safetensors file is there."
    case .unfinishedCache(let folder):
      "\(folder) holds Arrow files and no state.json: the cache in it is not finished."
    case .malformedState(let path): "\(path) does not list the files of the cache."
    case .missingColumn(let path, let column, let found):
      "\(path) has no column “\(column)”; it has "
        + (found.isEmpty ? "none" : found.map { "“\($0)”" }.joined(separator: ", ")) + "."
    case .notMatrices(let path, let column):
      "\(path): the column “\(column)” holds no matrices of floating-point numbers."
    case .shapeDiffers(let path, let shape, let expected):
      "\(path) holds activations of shape \(shape) where \(expected) is expected."
    case .noSingleTensor(let path, let count):
      "\(path) holds \(count) tensors, none named activations; one is expected."
    case .notATensorOfRows(let path, let tensor, let type, let shape):
      "\(path): the tensor \(tensor) is \(type.rawValue) of shape \(shape) where F32, F16 or BF16 "
        + "with two or three dimensions is expected."
    case .notAToken(let path, let row, let value):
      "\(path), row \(row): “token_ids” holds \(value), which is no token id."
    case .notFinite(let path, let row):
      "\(path) holds a number that is not finite, in activation \(row)."
    case .empty(let folder): "The cache in \(folder) holds no activations."
    case .tooManySequences(let folder): "The cache in \(folder) holds more than 2³² sequences."
    case .contradiction(let key, let given, let folder, let fact):
      "\(key) is \(given), but the activations in \(folder) \(fact)."
    }
  }

  package var hint: String? {
    switch self {
    case .unknownFormat: "Write --format sae_lens, or leave it out."
    case .notInPipeline: "Set cache.hook_name or cache.hook_names."
    case .notCached: "Run saeline-cache with the same pipeline file first (make cache CONFIG=…)."
    case .outputExists: "Choose another folder with --output, or remove it."
    case .unequalLengths:
      "Cache without exclude_special_tokens: left-out rows must be the same of every sequence."
    case .repeatedRow: "Delete the folder \(folderOfError) and run saeline-cache again."
    case .matrixTooLarge: nil
    case .noCache: "Give the folder that SAELens's cache_activations wrote."
    case .unfinishedCache: "Run SAELens's cache_activations to its end; it writes state.json last."
    case .malformedState, .shapeDiffers, .notAToken: "Fetch or create the cache again."
    case .missingColumn: "Set cache.hook_name to the hook point that was cached."
    case .notMatrices: "SAELens writes Array2D columns; give such a cache."
    case .noSingleTensor, .notATensorOfRows:
      "Give files with one tensor each: [rows, d_in] or [sequences, context_size, d_in]."
    case .notFinite: "Cache it again in float32: float16 ends at 65,504."
    case .empty, .tooManySequences: nil
    case .contradiction(let key, _, _, _): "Remove \(key) or make it agree."
    }
  }

  private var folderOfError: String {
    if case .repeatedRow(let path, _, _) = self { folder(of: path) } else { "" }
  }
}
