// What can be wrong between a pipeline file, its model and its tokens, and the sentences for it.

import Shared

/// Why activations cannot be cached.
package enum CacheError: Failure, Equatable {
  case noTokens(store: String)
  case malformedTokens(path: String, key: String)
  case contextTooLong(contextSize: Int, limit: Int, model: String)
  case contextDiffers(stated: Int, contextSize: Int, folder: String)
  case tokenBeyondVocabulary(token: Int, vocabularySize: Int, model: String, path: String)
  case shardDiffers(path: String, sequences: Int, contextSize: Int)
  case noPositions(slice: String, contextSize: Int)
  case noTokenizer(path: String)
  case notFinite(hook: String, model: String, sequence: Int?)
  case memoryTooSmall(needed: Int, available: Int)

  package var sentence: String {
    switch self {
    case .noTokens(let store):
      "The store \(store) holds no finished token shards for this pipeline file."
    case .malformedTokens(let path, let key): "\(path) does not state \(key)."
    case .contextTooLong(let contextSize, let limit, let model):
      "The token shards have \(contextSize) tokens per sequence; \(model) reads at most \(limit)."
    case .contextDiffers(let stated, let contextSize, let folder):
      "cache.context_size is \(stated), but the token shards in \(folder) have \(contextSize)."
    case .tokenBeyondVocabulary(let token, let vocabularySize, let model, let path):
      "\(path) holds the token \(token); the vocabulary of \(model) has \(vocabularySize)."
    case .shardDiffers(let path, let sequences, let contextSize):
      "\(path) holds \(sequences) sequences of \(contextSize), not what its manifest says."
    case .noPositions(let slice, let contextSize):
      "cache.seqpos_slice \(slice) keeps none of the \(contextSize) positions."
    case .noTokenizer(let path):
      "cache.exclude_special_tokens is true, but \(path) does not say which tokens are special."
    case .notFinite(let hook, let model, let sequence):
      "\(hook) of \(model) is not finite"
        + (sequence.map { " in sequence \($0)" } ?? "") + ": NaN or infinity."
    case .memoryTooSmall(let needed, let available):
      "The forward pass and its shards need about \(Readable.bytes(needed)) of memory; there are "
        + "\(Readable.bytes(available))."
    }
  }

  package var hint: String? {
    switch self {
    case .noTokens:
      "Run saeline-pretokenize with the same pipeline file (make pretokenize CONFIG=…)."
    case .malformedTokens, .shardDiffers: "Delete the folder and run saeline-pretokenize again."
    case .contextTooLong(_, let limit, _): "Set pretokenize.context_size to \(limit) or less."
    case .contextDiffers(_, let contextSize, _):
      "Set cache.context_size to \(contextSize), or leave it out."
    case .tokenBeyondVocabulary: "Set pretokenize.tokenizer_name to the model's own tokenizer."
    case .noPositions: "Choose a slice within the context."
    case .noTokenizer: "Give the ids: cache.exclude_special_tokens=[0, 2]."
    case .notFinite: "Check the model's weights, or cache.dtype: float16 ends at 65,504."
    case .memoryTooSmall:
      "Lower cache.buffer_size_gb, or take fewer hook points at a time."
    }
  }
}
