// The kinds of SAE, and with them the options that are a single architecture's: what each is called, and
// what may not be asked of it. A new architecture adds its word and its options here, and its formulas in
// a file of its own in the trainer.

/// Kinds of SAE; the words are SAELens's, or of the peer that has one alone.
package enum Architecture: String, Sendable, SettingChoice {
  case standard
  case gated
  case topk
  case abstopk
  case batchtopk
  case matryoshkaBatchtopk = "matryoshka_batchtopk"
  case jumprelu
  case matchingPursuit = "matching_pursuit"
  case pAnneal = "p_anneal"
  case groupmax
  case transcoder
  case skipTranscoder = "skip_transcoder"
  case jumpreluTranscoder = "jumprelu_transcoder"
  case jumpreluSkipTranscoder = "jumprelu_skip_transcoder"

  /// Whether the target comes from another hook point than the input.
  package var isTranscoder: Bool {
    switch self {
    case .transcoder, .skipTranscoder, .jumpreluTranscoder, .jumpreluSkipTranscoder: true
    default: false
    }
  }

  /// What the sparsity loss of SAELens 3 to 5 does that its options do not say; nil where it has none.
  var olderSparsity: OlderSparsity? {
    switch self {
    case .jumprelu: .l0
    case .gated: .alwaysWeighed
    case .standard: .onceWeighed
    default: nil
    }
  }

  /// Whether latents are compared with one another, and the largest are kept.
  var comparesLatents: Bool { Architecture.selecting.contains(self) }

  /// Those that keep the largest latents.
  static let selecting: [Architecture] = weighing + [.groupmax]
  /// Those that may compare latents by the norms of their decoder rows.
  static let weighing: [Architecture] = [.topk, .abstopk, .batchtopk, .matryoshkaBatchtopk]
  static let jumpReLUs: [Architecture] = [.jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder]
  /// Those whose sparsity loss may weigh latents by the norms of their decoder rows.
  static let weighingSparsity: [Architecture] =
    [.standard, .gated, .transcoder, .skipTranscoder] + jumpReLUs
  /// Those with a sparsity loss that is weighed by l1_coefficient.
  static let withL1: [Architecture] = [.standard, .gated, .pAnneal, .transcoder, .skipTranscoder]
}

/// The sparsity losses of SAELens 3 to 5.
enum OlderSparsity {
  /// An L0 that l1_coefficient weighs.
  case l0
  /// An L1 that weighs latents by the norms of their decoder rows, whatever is asked for.
  case alwaysWeighed
  /// The same before 4.3.1 where decoder rows are not kept at norm 1.
  case onceWeighed
}

// MARK: - Options

extension TrainSettings {
  /// The options of single architectures.
  static let architectureOptions: [Setting<TrainSettings>] =
    topK + matryoshka + matchingPursuit + standard + jumpReLU + annealing

  private static let topK: [Setting<TrainSettings>] = [
    Setting(
      "k", \.k, "Active latents per activation (topk and kin; a mean in batchtopk).", .above(0),
      of: Architecture.selecting),
    Setting(
      "activation_fn", \.activationFn,
      "The activation of SAELens 3 to 5; the architecture sets it.",
      aliases: ["activation_fn_str"], effect: .none),
    Setting(
      "activation_fn_kwargs", \.activationFnKwargs, "The k of SAELens 4 and 5.", effect: .none),
    Setting(
      "aux_loss_coefficient", \.auxLossCoefficient,
      "Weight of the loss that revives dead latents (topk and kin).",
      .atLeast(0), of: Architecture.selecting),
    Setting(
      "rescale_acts_by_decoder_norm", \.rescaleActsByDecoderNorm,
      "Compare latents weighted by the norm of their decoder rows (topk and kin).",
      olderDefault: false, of: Architecture.weighing),
    Setting(
      "topk_threshold_lr", \.topkThresholdLr,
      "Share of a batch's least kept latent in the running threshold (batchtopk).",
      .above(0), effect: .changesWhenSet(.formula), of: [.batchtopk, .matryoshkaBatchtopk]),
  ]

  private static let matryoshka: [Setting<TrainSettings>] = [
    Setting(
      "matryoshka_widths", \.matryoshkaWidths,
      "Ascending numbers of latents that must reconstruct alone (matryoshka_batchtopk).",
      effect: .changesWhenSet(.formula), of: [.matryoshkaBatchtopk]),
    Setting(
      "use_matryoshka_aux_loss", \.useMatryoshkaAuxLoss,
      "Dead latents learn from the error of their own width (matryoshka_batchtopk).",
      effect: .changesWhenSet(.formula), of: [.matryoshkaBatchtopk]),
  ]

  private static let matchingPursuit: [Setting<TrainSettings>] = [
    Setting(
      "residual_threshold", \.residualThreshold,
      "Norm of the residual at which the search ends (matching_pursuit).", .atLeast(0),
      effect: .changesWhenSet(.formula), of: [.matchingPursuit]),
    Setting(
      "max_iterations", \.maxIterations,
      "Latents searched for at most (matching_pursuit); null means d_in.", .atLeast(1),
      effect: .changesWhenSet(.formula), of: [.matchingPursuit]),
    Setting(
      "stop_on_duplicate_support", \.stopOnDuplicateSupport,
      "End the search when it finds nothing new (matching_pursuit).",
      effect: .changesWhenSet(.formula), of: [.matchingPursuit]),
  ]

  private static let standard: [Setting<TrainSettings>] = [
    Setting(
      "l1_coefficient", \.l1Coefficient,
      "Weight of the sparsity loss (standard, gated, transcoder).", .atLeast(0),
      olderDefault: 0.001, of: Architecture.withL1),
    Setting(
      "lp_norm", \.lpNorm, "Exponent p of the sparsity norm (standard, transcoder).", .above(0),
      of: [.standard, .transcoder, .skipTranscoder]),
    Setting(
      "l1_warm_up_steps", \.l1WarmUpSteps, "Steps over which l1_coefficient grows from 0.",
      .atLeast(0), of: Architecture.withL1),
    Setting(
      "scale_sparsity_penalty_by_decoder_norm", \.scaleSparsityPenaltyByDecoderNorm,
      "Weigh latents by their decoder norms in the sparsity loss; SAELens 6 always does.",
      effect: .changesWhenSet(.formula), olderDefault: false, of: Architecture.weighingSparsity),
  ]

  private static let jumpReLU: [Setting<TrainSettings>] = [
    Setting(
      "jumprelu_init_threshold", \.jumpreluInitThreshold, "Initial threshold (jumprelu).",
      .atLeast(0), effect: .changesWhenSet(.formula), olderDefault: 0.001,
      of: Architecture.jumpReLUs),
    Setting(
      "jumprelu_bandwidth", \.jumpreluBandwidth,
      "Width of the band around the threshold from which it learns (jumprelu).", .above(0),
      effect: .changesWhenSet(.formula), olderDefault: 0.001, of: Architecture.jumpReLUs),
    Setting(
      "jumprelu_sparsity_loss_mode", \.jumpreluSparsityLossMode,
      "Sparsity loss: L0 by steps, by tanh, or its distance from target_l0 (jumprelu).",
      effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
    Setting(
      "jumprelu_tanh_scale", \.jumpreluTanhScale, "Steepness of the tanh loss (jumprelu).",
      .above(0), effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
    Setting(
      "jumprelu_ste_to_input", \.jumpreluSteToInput,
      "The band passes gradients to the encoder as well (jumprelu).",
      effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
    Setting(
      "jumprelu_log_threshold", \.jumpreluLogThreshold,
      "Learn the thresholds' logarithms, as SAELens does up to 6.18 (jumprelu).",
      effect: .changesWhenSet(.formula), olderDefault: true, of: Architecture.jumpReLUs),
    Setting(
      "l0_coefficient", \.l0Coefficient, "Weight of the sparsity loss (jumprelu).", .atLeast(0),
      effect: .changesWhenSet(.formula), olderDefault: 0.001, of: Architecture.jumpReLUs),
    Setting(
      "l0_warm_up_steps", \.l0WarmUpSteps, "Steps over which l0_coefficient grows from 0.",
      .atLeast(0), effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
    Setting(
      "target_l0", \.targetL0, "The L0 that the quadratic loss aims at (jumprelu).", .above(0),
      effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
    Setting(
      "pre_act_loss_coefficient", \.preActLossCoefficient,
      "Weight of the loss that lifts dead latents (jumprelu); Anthropic's is 3e-6.",
      .atLeast(0), effect: .changesWhenSet(.formula), of: Architecture.jumpReLUs),
  ]
}

/// How dictionary_learning's p_anneal measures sparsity.
package enum SparsityFunction: String, Sendable, SettingChoice {
  case norm = "Lp"
  case power = "Lp^p"
}

/// How often the exponent of p_anneal moves.
package enum SparsityUpdates: Sendable, Equatable {
  case count(Int)
  /// At every step.
  case continuous
}

extension SparsityUpdates: SettingValue {
  package static var alternatives: [String] { ["a whole number above 0", "continuous"] }

  package init?(setting: JSON) {
    switch setting {
    case .string("continuous"): self = .continuous
    default:
      guard let count = Int(setting: setting), count > 0 else { return nil }
      self = .count(count)
    }
  }

  package var json: JSON {
    switch self {
    case .count(let count): .integer(count)
    case .continuous: .string("continuous")
    }
  }
}

/// Options that one architecture alone has.
package struct OwnOptions: Sendable, Equatable {
  package var sparsityFunction = SparsityFunction.norm
  package var pStart = 1.0
  package var pEnd = 0.2
  package var annealStart = 15_000
  package var annealEnd: Int?
  package var nSparsityUpdates = SparsityUpdates.count(10)
  package var sparsityQueueLength = 10

  /// The number of updates of p_anneal's exponent in a run of so many steps.
  package func updateCount(steps: Int) -> Int {
    switch nSparsityUpdates {
    case .count(let count): count
    case .continuous: max(1, (annealEnd ?? steps) - annealStart + 1)
    }
  }
}

extension TrainSettings {
  private static let annealing: [Setting<TrainSettings>] = [
    Setting(
      "sparsity_function", \.own.sparsityFunction,
      "The p-norm, or its p-th power (p_anneal).", effect: .changesWhenSet(.formula), of: [.pAnneal]
    ),
    Setting(
      "p_start", \.own.pStart, "First exponent of the sparsity (p_anneal).", .above(0),
      effect: .changesWhenSet(.formula), of: [.pAnneal]),
    Setting(
      "p_end", \.own.pEnd, "Last exponent of the sparsity (p_anneal).", .above(0),
      effect: .changesWhenSet(.formula), of: [.pAnneal]),
    Setting(
      "anneal_start", \.own.annealStart, "Step after which the exponent begins to fall (p_anneal).",
      .atLeast(0), effect: .changesWhenSet(.formula), of: [.pAnneal]),
    Setting(
      "anneal_end", \.own.annealEnd,
      "Step after which it has its last value (p_anneal); null means the number of steps.",
      .atLeast(1), effect: .changesWhenSet(.formula), of: [.pAnneal]),
    Setting(
      "n_sparsity_updates", \.own.nSparsityUpdates,
      "Steps at which the exponent moves, or continuous for every one (p_anneal).",
      effect: .changesWhenSet(.formula), of: [.pAnneal]),
    Setting(
      "sparsity_queue_length", \.own.sparsityQueueLength,
      "Steps whose sparsity adapts the coefficient when the exponent moves (p_anneal).",
      .atLeast(1), effect: .changesWhenSet(.formula), of: [.pAnneal]),
  ]

  private var annealingContradictions: [Complaint] {
    let last = own.annealEnd ?? stepCount
    if own.annealStart >= last {
      return [
        Complaint("anneal_start", "is \(own.annealStart), but the annealing ends at \(last).")
      ]
    }
    guard case .count(let count) = own.nSparsityUpdates, count > last - own.annealStart + 1 else {
      return []
    }
    return [
      Complaint(
        "n_sparsity_updates",
        "is \(count), but the annealing has only \(last - own.annealStart + 1) steps.")
    ]
  }

  private func groupContradictions(_ latents: Int?) -> [Complaint] {
    if k != k.rounded(.down) {
      return [Complaint("k", "is \(k); \(architecture.rawValue) takes whole numbers.")]
    }
    guard let latents, k <= Double(latents), latents % Int(k) != 0 else {
      return numberContradictions(latents)
    }
    return [Complaint("k", "is \(Int(k)), which does not divide \(latents) latents.")]
  }
}

// MARK: - Contradictions

extension TrainSettings {
  /// What the options of the chosen architecture lack, for so many latents where that is known.
  func architectureContradictions(latents: Int?) -> [Complaint] {
    switch architecture {
    case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk:
      numberContradictions(latents)
        + (architecture == .matryoshkaBatchtopk ? matryoshkaContradictions(latents) : [])
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder:
      jumpreluSparsityLossMode == .quadratic && targetL0 == nil
        ? [Complaint("target_l0", "is needed by jumprelu_sparsity_loss_mode quadratic.")] : []
    case .pAnneal: annealingContradictions
    case .groupmax: groupContradictions(latents)
    case .standard, .gated, .matchingPursuit, .transcoder, .skipTranscoder: []
    }
  }

  private func numberContradictions(_ latents: Int?) -> [Complaint] {
    if let latents, k > Double(latents) {
      return [Complaint("k", "is \(k.json.canonical), but there are only \(latents) latents.")]
    }
    if architecture == .topk || architecture == .abstopk, k != k.rounded(.down) {
      return [Complaint("k", "is \(k); \(architecture.rawValue) takes whole numbers.")]
    }
    return []
  }

  private func matryoshkaContradictions(_ latents: Int?) -> [Complaint] {
    let widths = matryoshkaWidths.values
    if widths.isEmpty {
      return [Complaint("matryoshka_widths", "must list at least one number of latents.")]
    }
    if zip(widths, widths.dropFirst()).contains(where: { $0 >= $1 }) {
      return [Complaint("matryoshka_widths", "must ascend.")]
    }
    if let last = widths.last, let latents, last > latents {
      return [
        Complaint("matryoshka_widths", "reach \(last), but there are only \(latents) latents.")
      ]
    }
    return []
  }
}
