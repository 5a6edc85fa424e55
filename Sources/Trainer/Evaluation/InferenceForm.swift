// An SAE in training as it would be if training ended now. Comes in: the state, which stays as it is.
// Leaves: an SAE that takes rows as they are cached, by the same steps as the files of a finished one.

import Shared

extension SAEFiles {
  /// The SAE that `writeFinal` would write, with weights of its own.
  package func inferenceForm(_ state: borrowing TrainingState) -> TrainedSAE {
    guard let finished = TrainedSAE.configuration(inferenceConfiguration([:])) else {
      preconditionFailure("what is written of an SAE describes it")
    }
    var copied = Parameters(configuration.shape)
    copied.copy(state.parameters)
    let threshold = configuration.architecture.finalThreshold(carried: state.carried)
    let weights = self.finished(copied, threshold: threshold)
    var parameters = Parameters(finished.shape)
    parameters.copy(weights)
    return TrainedSAE.make(finished, parameters)
  }

  /// Bytes that the form takes while it is made.
  static func inferenceByteCount(_ configuration: SAEConfiguration) -> Int {
    2 * 4 * configuration.shape.count
  }
}
