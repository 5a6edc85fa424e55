// What can be wrong with a model's folder, and the sentences for it.

/// Why a model cannot be run.
package enum ModelError: Failure, Equatable {
  case noConfiguration(folder: String)
  case malformed(path: String)
  case missingKey(path: String, key: String)
  case wrongValue(path: String, key: String, value: String, expected: String)
  case unsupported(path: String, key: String, value: String, supported: [String])
  case unsupportedFamily(path: String, type: String, reason: String, supported: [String])
  case noWeights(folder: String)
  case missingTensor(path: String, tensor: String, shape: [Int])
  case wrongShape(path: String, tensor: String, shape: [Int], expected: [Int])

  package var sentence: String {
    switch self {
    case .noConfiguration(let folder): "\(folder) holds no config.json."
    case .malformed(let path): "\(path) is no JSON object."
    case .missingKey(let path, let key): "\(path) does not state \(key)."
    case .wrongValue(let path, let key, let value, let expected):
      "\(path): \(key) is \(value) where \(expected) is expected."
    case .unsupported(let path, let key, let value, _):
      "\(path): \(key) is \(value), which is not supported."
    case .unsupportedFamily(let path, let type, let reason, _):
      "\(path): a model of the type \(type) \(reason), which is not supported."
    case .noWeights(let folder):
      "\(folder) holds neither model.safetensors nor pytorch_model.bin, whole or with an index."
    case .missingTensor(let path, let tensor, let shape):
      "\(path) holds no tensor \(tensor) of shape \(shape)."
    case .wrongShape(let path, let tensor, let shape, let expected):
      "\(path): the tensor \(tensor) has the shape \(shape) where \(expected) is expected."
    }
  }

  package var hint: String? {
    switch self {
    case .noConfiguration:
      "model_name must be a folder as Hugging Face lays it out: config.json and "
        + "model.safetensors or pytorch_model.bin."
    case .malformed, .missingKey, .wrongValue: "Fetch the model's config.json again."
    case .unsupported(_, _, _, let supported):
      supported.isEmpty ? nil : "Supported are " + supported.joined(separator: ", ") + "."
    case .unsupportedFamily(_, _, _, let supported):
      "Supported are " + supported.joined(separator: ", ") + "."
    case .noWeights: "Save the model with transformers' save_pretrained, which writes safetensors."
    case .missingTensor, .wrongShape: "Check that config.json belongs to these weights."
    }
  }
}
