// The settings of a pipeline file, section by section, in reading order. Names, meanings and
// defaults are SAELens's.

/// Where a special token of the tokenizer is meant: by role or by id.
package enum TokenChoice: Sendable, Equatable {
  case bos
  case eos
  case sep
  case id(Int)
}

/// How numbers of an activation shard are stored.
package enum StorageType: String, Sendable, CaseIterable {
  case float32
  case float16
  case bfloat16
}

/// A pipeline file: what the three programs agree on.
package struct Pipeline: Sendable, Equatable {
  package var name = "pipeline"
  package var store = "./store"
  package var pretokenize = PretokenizeSettings()
  package var cache = CacheSettings()
  package var train = TrainSettings()
  package var logger = LoggerSettings()
  package var evaluate = EvaluateSettings()

  package init() {}
}

/// Text to token shards; SAELens's PretokenizeRunnerConfig.
package struct PretokenizeSettings: Sendable, Equatable {
  /// A folder with `tokenizer.json`, that file itself, or a Hugging Face name.
  package var tokenizerName = "gpt2"
  /// A file or folder of text, or a Hugging Face name.
  package var datasetPath = ""
  package var dataFiles: [String]?
  package var split = "train"
  package var columnName = "text"
  package var contextSize = 128
  package var shuffle = true
  package var seed = 42
  package var beginBatchToken: TokenChoice? = .bos
  package var beginSequenceToken: TokenChoice?
  package var sequenceSeparatorToken: TokenChoice? = .bos
  package var disableConcatSequences = false
  /// Threads; 0 means every core.
  package var numProc = 0
  /// Uncompressed size of a token shard in MiB.
  package var shardMegabytes = 64

  package init() {}
}

/// Token shards to activation shards; SAELens's CacheActivationsRunnerConfig.
package struct CacheSettings: Sendable, Equatable {
  /// A folder with `config.json` and weights, or a Hugging Face name.
  package var modelName = ""
  package var hookName = ""
  /// Further hook points of the same pass.
  package var hookNames: [String] = []
  package var hookLayer: Int?
  package var dIn: Int?
  package var contextSize: Int?
  package var trainingTokens = 2_000_000
  /// Sequences per forward pass.
  package var modelBatchSize = 32
  package var bufferSizeGB = 2.0
  package var dtype = StorageType.float32
  package var seed = 42
  package var shuffle = true
  package var prependBos = true

  package init() {}
}

package enum Architecture: String, Sendable, CaseIterable {
  case standard
  case topk
}

package enum ActivationNormalization: String, Sendable, CaseIterable {
  case none
  case expectedAverageOnlyIn = "expected_average_only_in"
}

package enum LearningRateSchedule: String, Sendable, CaseIterable {
  case constant
  case cosineAnnealing = "cosineannealing"
  case cosineAnnealingWarmRestarts = "cosineannealingwarmrestarts"
}

package enum DecoderBiasInit: String, Sendable, CaseIterable {
  case zeros
  case mean
  case geometricMedian = "geometric_median"
}

/// Activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig.
package struct TrainSettings: Sendable, Equatable {
  package var architecture = Architecture.standard
  package var dIn: Int?
  package var dSae: Int?
  package var expansionFactor: Int?
  package var k = 100
  package var auxLossCoefficient = 1.0
  package var rescaleActsByDecoderNorm = true
  package var l1Coefficient = 1.0
  package var lpNorm = 1.0
  package var l1WarmUpSteps = 0
  package var applyBDecToInput = true
  package var normalizeActivations = ActivationNormalization.none
  package var bDecInitMethod = DecoderBiasInit.zeros
  /// Row norm of the initial decoder; nil leaves the uniform draw as it is.
  package var decoderInitNorm: Double? = 0.1
  package var trainingTokens = 2_000_000
  package var trainBatchSizeTokens = 4096
  package var lr = 3e-4
  package var lrSchedulerName = LearningRateSchedule.constant
  package var lrWarmUpSteps = 0
  package var lrDecaySteps = 0
  package var lrEnd: Double?
  package var nRestartCycles = 1
  package var adamBeta1 = 0.9
  package var adamBeta2 = 0.999
  package var featureSamplingWindow = 2000
  package var deadFeatureWindow = 1000
  /// Share of the sequences that training never sees; the final figures come from them.
  package var evalFraction = 0.0
  package var seed = 42
  package var nCheckpoints = 0
  package var keepCheckpoints = 2
  /// Continue from the newest complete checkpoint where there is one.
  package var resume = true
  package var threads = 0

  package init() {}
}

/// Where the figures of a run go.
package struct LoggerSettings: Sendable, Equatable {
  /// Steps between two lines of `metrics.jsonl`; SAELens's wandb_log_frequency.
  package var logFrequency = 10
  package init() {}
}

/// What is measured once training has ended.
package struct EvaluateSettings: Sendable, Equatable {
  /// Latents whose top contexts are shown in the report.
  package var reportLatents = 20
  package var contextsPerLatent = 8
  /// Rows over which the final figures are taken.
  package var evalTokens = 200_000
  /// A JSON file of category → words; each word's tokens are that category's ground truth.
  package var categories: String?
  package init() {}
}
