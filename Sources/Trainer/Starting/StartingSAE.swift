// What the files of an SAE say of it, whoever wrote them, in the words of the section `train`: the one form
// that all layouts are brought into. Comes in: a layout's reader. Leaves: options, sizes, and where each
// parameter lies.

import Shared

/// What an SAE is, as its files tell it.
struct StartingSAE: Sendable {
  var architecture: Architecture
  /// Options that determine what it computes: a run cannot state others.
  var formula: [String: JSON] = [:]
  /// Options of its training, which hold where a run does not state others.
  var training: [String: JSON] = [:]
  /// What it was trained as, where it was finished in another form.
  var trainedAs: Architecture?
  var dIn: Int?
  var dSae: Int?
  var normalization = ActivationNormalization.none
  var scale = WeightScale.factor(1)
  /// The file of its weights, in its folder.
  let weights: String
  var layout: WeightLayout

  init(_ architecture: Architecture, weights: String, layout: WeightLayout) {
    self.architecture = architecture
    self.weights = weights
    self.layout = layout
  }
}

/// The rows that weights were made for.
enum WeightScale: Sendable, Equatable {
  /// Rows as they are cached, times a factor.
  case factor(Double)
  /// Rows of the norm √d on average, by whatever factor gives it.
  case ofRun
}

/// Where parameters lie in a file of weights.
struct WeightLayout: Sendable {
  /// Names of a parameter, of which a file has one.
  struct Place: Sendable {
    let names: [String]
    /// Whether the tensor is the other way round than the parameter is here.
    let isTransposed: Bool

    init(_ names: String..., isTransposed: Bool = false) {
      self.names = names
      self.isTransposed = isTransposed
    }
  }

  var places: [ParameterKind: Place]
  /// Parameters that are zero where the file lacks them.
  var optional: Set<ParameterKind> = [.latentScale]
  /// The logarithm of the thresholds, which a file may have in their place.
  var logarithm: String?
  /// Factors of latents, which the decoder takes.
  var factors: [String] = []
  /// One threshold for all latents.
  var sharedThreshold: [String] = []

  /// Whether a file may hold factors other than 1.
  var takesFactors = false
}

extension Architecture {
  private var definition: any SAEArchitecture { definition(TrainSettings(), dIn: 1, dSae: 1) }

  /// The form that a finished SAE has.
  var finished: Architecture { definition.exportedName ?? self }

  /// The options that are its own, formula and training alike.
  var ownOptions: Set<String> {
    let definition = definition
    return Set(
      type(of: definition).options + definition.formulaOptions + definition.trainingOptions
    ).subtracting(["hook_name_out", "d_out"])
  }
}
