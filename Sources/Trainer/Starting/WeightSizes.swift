// How large an SAE is, as its weights say. Comes in: a folder that training may start from. Leaves: the
// widths that its configuration need not state.

import Shared

extension PretrainedSAE {
  /// The sizes of the weights.
  func sizes() throws -> (dIn: Int, dOut: Int, dSae: Int) {
    let file = try WeightFile.open(weights)
    func size(_ kind: ParameterKind) throws -> (rows: Int, columns: Int)? {
      guard let place = sae.layout.places[kind], let tensor = file.first(place.names) else {
        return nil
      }
      let shape = tensor.entry.shape
      guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else {
        throw WeightError.unexpectedShape(
          path: weights, tensor: tensor.entry.name, shape: shape, expected: [0, 0])
      }
      return place.isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    }
    guard let decoder = try size(.decoder) else {
      let name = sae.layout.places[.decoder]?.names.first ?? "W_dec"
      throw WeightError.missing(path: weights, tensor: name)
    }
    return (try size(.encoder)?.columns ?? decoder.columns, decoder.columns, decoder.rows)
  }
}
