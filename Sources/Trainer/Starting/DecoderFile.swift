// The decoder of an SAE, whoever wrote it. Comes in: a folder in one of the layouts that training can start from.
// Leaves: a direction a latent.

package import Shared

package enum DecoderFile {
  /// Reads the decoder `[D, o]` of a folder.
  package static func read(_ folder: String) throws -> Matrix {
    let sae = try PretrainedSAE.read(folder)
    let path = System.isDirectory(folder) ? folder + "/" + sae.weights : folder
    let file = try WeightFile.open(path)
    guard let place = sae.layout.places[.decoder], let tensor = file.first(place.names) else {
      throw WeightError.missing(path: path, tensor: "W_dec")
    }
    let shape = tensor.entry.shape
    guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else {
      throw WeightError.unexpectedShape(
        path: path, tensor: tensor.entry.name, shape: shape, expected: [])
    }
    var matrix =
      place.isTransposed
      ? Matrix(rows: shape[1], columns: shape[0]) : Matrix(rows: shape[0], columns: shape[1])
    try file.read(tensor, isTransposed: place.isTransposed, into: &matrix)
    return matrix
  }
}
