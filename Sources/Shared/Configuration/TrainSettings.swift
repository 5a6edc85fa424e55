// The section `train`: activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig,
// flat as in versions 3 to 5 or nested as in 6. Its table, its contradictions and what is accepted
// without effect have files of their own.

/// Activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig.
package struct TrainSettings: Sendable, Equatable {
  package var architecture = Architecture.standard
  package var defaults: DefaultsVersion?
  package var saeLensVersion: String?
  package var dIn: Int?
  package var dSae: Int?
  package var expansionFactor: Int?
  package var k = 100.0
  package var auxLossCoefficient = 1.0
  package var rescaleActsByDecoderNorm = true
  package var topkThresholdLr = 0.01
  package var matryoshkaWidths = WholeNumbers()
  package var useMatryoshkaAuxLoss = false
  package var l1Coefficient = 1.0
  package var lpNorm = 1.0
  package var l1WarmUpSteps = 0
  package var scaleSparsityPenaltyByDecoderNorm = true
  package var jumpreluInitThreshold = 0.01
  package var jumpreluBandwidth = 0.05
  package var jumpreluSparsityLossMode = JumpReLUSparsityLoss.step
  package var jumpreluTanhScale = 4.0
  package var jumpreluSteToInput = false
  package var jumpreluLogThreshold = false
  package var l0Coefficient = 1.0
  package var l0WarmUpSteps = 0
  package var targetL0: Double?
  package var preActLossCoefficient: Double?
  package var residualThreshold = 0.01
  package var maxIterations: Int?
  package var stopOnDuplicateSupport = true
  package var own = OwnOptions()
  package var applyBDecToInput = true
  package var normalizeActivations = ActivationNormalization.none
  package var reshapeActivations = ActivationReshaping.none
  package var mseLossNormalization: ErrorNormalization?
  package var useGhostGrads = false
  package var noiseScale = 0.0
  package var normalizeSaeDecoder = false
  package var decoderProjection = DecoderProjection.gradient
  package var bDecInitMethod = DecoderBiasInit.zeros
  package var decoderInitNorm: Double? = 0.1
  package var decoderHeuristicInit = true
  package var decoderInitDraw = DecoderDraw.kaimingUniform
  package var decoderOrthogonalInit = false
  package var initEncoderAsDecoderTranspose = true
  package var fromPretrainedPath: String?
  package var trainingTokens = 2_000_000
  package var trainBatchSizeTokens = 4096
  package var finetuningTokens = 0
  package var finetuningMethod: FinetuningMethod?
  package var lr = 3e-4
  package var lrSchedulerName = LearningRateSchedule.constant
  package var lrWarmUpSteps = 0
  package var lrDecaySteps = 0
  package var lrEnd: Double?
  package var nRestartCycles = 1
  package var adamBeta1 = 0.9
  package var adamBeta2 = 0.999
  package var maxGradNorm = 1.0
  package var featureSamplingWindow = 2000
  package var deadFeatureWindow = 1000
  package var evalFraction = 0.0
  package var excludeSpecialTokens = TokenExclusion.none
  package var seqposSlice = PositionSlice.all
  package var maxNormMultiple: Double?
  package var seed = 42
  package var autocastLM = false
  package var nCheckpoints = 0
  package var keepCheckpoints = 2
  package var checkpointMinutes = 10.0
  package var resume = Resumption.newest
  package var threads = 0
  package var sweep = SweepAxes()
  package var sweepMode = SweepMode.separate
  package var modelName: String?
  package var hookName: String?
  package var hookNameOut: String?
  package var hookLayer: Int?
  package var hookHeadIndex: Int?
  package var dOut: Int?
  package var contextSize: Int?
  package var modelClassName: String?
  package var modelFromPretrainedKwargs = ModelOptions()
  package var datasetPath: String?
  package var prependBos: Bool?
  package var disableConcatSequences: Bool?
  package var sequenceSeparatorToken = StatedToken.unstated

  /// The options that a pipeline file gives, by their newest names; empty of settings made otherwise.
  package var stated: Set<String> = []
  /// What was taken over from the SAE of `from_pretrained_path`, in words; nil before that.
  package var takenOver: [String]?

  package init() {}

  /// The activation of SAELens 3 to 5, which follows from the architecture; reads as none.
  package var activationFn: ActivationFunction? {
    get { nil }
    set {}
  }

  /// The k of SAELens 4 and 5 under its old name; reads as none.
  package var activationFnKwargs: ActivationFunctionOptions {
    get { ActivationFunctionOptions() }
    set { k = newValue.k ?? k }
  }

  /// Optimizer steps of the run.
  package var stepCount: Int { (trainingTokens + finetuningTokens) / trainBatchSizeTokens }

  /// The number of latents for activations of width `dIn`; nil where it is beyond counting.
  package func latentCount(dIn: Int) -> Int? {
    dSae ?? width(expansionFactor ?? 4, of: dIn)
  }

  /// `factor` latents per dimension; nil where that is beyond counting.
  func width(_ factor: Int, of dIn: Int) -> Int? {
    let (count, overflow) = dIn.multipliedReportingOverflow(by: factor)
    return overflow ? nil : count
  }

  /// The same run with everything said outright that follows from the width of the activations.
  ///
  /// Fingerprints are taken of this form, so that `d_sae` and the `expansion_factor` that amounts
  /// to it name one run.
  package func settled(dIn: Int) -> TrainSettings {
    var result = self
    result.dIn = dIn
    result.dSae = latentCount(dIn: dIn)
    result.expansionFactor = nil
    result.lrEnd = lrEnd ?? lr / 10
    return result
  }
}
