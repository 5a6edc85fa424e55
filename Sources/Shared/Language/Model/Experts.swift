// Experts: MLPs of which each token goes through a few, chosen by a router. Comes in from a family's
// description; leaves to the weights and the pass.

/// The experts of a model's routed layers.
package struct Experts: Sendable, Equatable {
  package var count: Int
  /// The experts that a token goes through.
  package var active: Int
  /// The width of an expert.
  package var width: Int
  package var routing: Routing
  package var gate: ExpertGate = .activation
  /// The module that makes the experts' scores, and what files may call it instead.
  package var router: String
  package var storedRouter: String?
  package var routerHasBias = false
  package var tensors: ExpertTensors

  /// An expert that every token goes through.
  package var shared: SharedExpert?

  /// Columns of the widest expert's first projection.
  var hiddenWidth: Int { 2 * max(width, shared?.width ?? 0) }

  /// The weights that one token meets.
  func weightsPerToken(width model: Int) -> Int {
    model * (count + 3 * active * width + 3 * (shared?.width ?? 0))
  }
}

/// An expert that every token goes through, weighted by a sigmoid of a score of its own where it has
/// one.
package struct SharedExpert: Sendable, Equatable {
  package var width: Int
  /// The module of its MLP, and that of its score.
  package var module: String
  package var score: String?
}

/// How scores of experts become weights.
package enum Routing: Sendable, Equatable {
  /// A softmax over all experts, of which the largest are kept, as they are or made to sum to one.
  case softmax(sumsToOne: Bool)
  /// A softmax over those with the largest scores.
  case softmaxOfChosen
  /// Of the largest of some groups, weights times a factor (DeepSeek-V2 and V3, 2024).
  case grouped(GroupedRouting)
}

/// Routing to the experts of a few groups of neighbors.
package struct GroupedRouting: Sendable, Equatable {
  package var groups: Int
  /// The groups whose experts a token may go through.
  package var kept: Int
  package var scoring: Scoring
  package var sumsToOne: Bool
  package var factor: Float

  package enum Scoring: Sendable, Equatable {
    /// A softmax over all experts; the largest of a group stands for it.
    case softmax
    /// A sigmoid of each, with a bias that counts for the choice alone, a whole name; the two largest
    /// of a group stand for it.
    case sigmoid(bias: String)
  }
}

/// How an expert's first projection becomes what its second one reads.
package enum ExpertGate: Sendable, Equatable {
  /// The model's activation of the gate times the input; the gate's columns come first.
  case activation
  /// g·σ(alpha·g)·(x + 1) with gate g and input x kept within the limit; their columns alternate.
  case clamped(alpha: Float, limit: Float)
}

/// How the experts' matrices are stored.
package enum ExpertTensors: Sendable, Equatable {
  /// The prefix of all experts, and the names of gate, input and output after an expert's number, in
  /// files that keep a tensor per expert and matrix. Others have `gate_up_proj` `[E, 2m, d]` and
  /// `down_proj` `[E, d, m]` after one of some prefixes.
  case perExpert(prefix: String, gate: String, input: String, output: String, joined: [String])
  /// `gate_up_proj` `[E, d, 2m]` and `down_proj` `[E, m, d]` with biases `[E, …]`.
  case joinedInputMajor(prefix: String)
  /// The same in MXFP4: `gate_up_proj_blocks` `[E, 2m, d / 32, 16]` and `down_proj_blocks`
  /// `[E, d, m / 32, 16]`, with `_scales` of a byte per block.
  case joinedPacked(prefix: String)

  /// Inputs that are packed together.
  static let packedTogether = Microscaling.blockSize

  /// The module of all experts.
  var module: String? {
    switch self {
    case .perExpert(_, _, _, _, let joined): joined.first
    case .joinedInputMajor(let prefix), .joinedPacked(let prefix): prefix
    }
  }
}
