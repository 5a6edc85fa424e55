// The groupmax SAE: latents are divided into k groups, and of each group the largest takes part;
// sparsify's (EleutherAI). It is its own AuxK: dead latents by ReLU, learning in the decoder alone.
//
//   g = j·k/D, whole      f = ReLU(a·W_enc + b_enc) of the largest of each group      x̂ = f·W_dec + b_dec
//   L = MSE + AuxK
//
// The winner of a group passes its gradient on to the encoder also where it is not above zero: then the
// winner is the group's first latent, with the value 0.

import Shared

struct GroupMaxSAE: SAEArchitecture {
  private let dSae: Int
  private let groups: GroupMax
  private let auxiliary: AuxiliaryLoss

  init(_ settings: TrainSettings, dSae: Int) {
    self.dSae = dSae
    groups = GroupMax(groups: max(1, min(Int(settings.k), dSae)), latents: dSae)
    auxiliary = AuxiliaryLoss(
      coefficient: settings.auxLossCoefficient, trainsDecoderOnly: true)
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias] }

  var selection: Selection { .rows(groups) }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  var revivals: [Revival] { [.auxiliary(auxiliary)] }
  var fixedL0: Int? { groups.most }

  func exported(_ folding: Folding) -> [String: JSON] { ["k": .integer(groups.most)] }

  var formulaOptions: [String] { ["k"] }
  var trainingOptions: [String] { ["aux_loss_coefficient"] }

  static let options = ["k", "aux_loss_coefficient"]
}

/// Keeps the largest latent of each of some groups, the first where several are.
struct GroupMax: RowSelection {
  /// Groups, of so many latents each.
  let most: Int
  private let size: Int

  init(groups: Int, latents: Int) {
    most = groups
    size = max(1, latents / groups)
  }

  var capacity: Int { most }

  func scan(
    _ numbers: Span<Float>, first: Int, _ row: inout RowCandidates,
    _ scratch: inout MutableSpan<Float>
  ) {
    if row.count == 0 { begin(&row) }
    for index in numbers.indices {
      let latent = first + index
      let group = min(latent / size, most - 1)
      guard numbers[index] > row.values[group] else { continue }
      row.values[group] = numbers[index]
      row.latents[group] = Int32(latent)
    }
  }

  /// Every group's first latent, with the value 0.
  private func begin(_ row: inout RowCandidates) {
    row.count = most
    for group in 0..<most {
      row.latents[group] = Int32(group * size)
      row.values[group] = 0
    }
  }

  /// The candidates are in order of group, and thereby of latent.
  func finish(_ row: inout RowCandidates) {}
}
