// What can be wrong with a safetensors file, and the sentences for it.

/// Why a safetensors file is refused.
package enum SafetensorsError: Failure, Equatable {
  case system(SystemError)
  case noHeader(path: String, byteCount: Int)
  case headerTooLong(path: String, byteCount: Int)
  case headerCutShort(path: String, promised: Int, byteCount: Int)
  case malformedHeader(path: String, offset: Int, problem: String)
  case duplicateTensor(path: String, tensor: String)
  case unknownType(path: String, tensor: String, type: String)
  case shapeTooLarge(path: String, tensor: String, shape: [Int])
  case wrongSize(path: String, tensor: String, type: TensorType, shape: [Int], byteCount: Int)
  case notContiguous(path: String, tensor: String, begin: Int, expected: Int)
  case cutShort(path: String, promised: Int, byteCount: Int)
  case trailingBytes(path: String, promised: Int, byteCount: Int)
  case missingTensor(path: String, tensor: String)
  case unexpectedType(path: String, tensor: String, type: TensorType, allowed: [TensorType])
  case unexpectedShape(path: String, tensor: String, shape: [Int], expected: [Int?])

  package var sentence: String {
    switch self {
    case .system(let error): error.sentence
    case .noHeader(let path, let byteCount):
      "\(path) has \(byteCount) bytes; a safetensors file has at least 10."
    case .headerTooLong(let path, let byteCount):
      "\(path) states a header of \(byteCount) bytes, above the limit of "
        + "\(SafetensorsHeader.byteLimit): this is no safetensors file."
    case .headerCutShort(let path, let promised, let byteCount):
      "\(path) is cut short: it has \(byteCount) bytes and its header alone needs \(promised)."
    case .malformedHeader(let path, let offset, let problem):
      "\(path): the header is malformed at byte \(offset): \(problem)."
    case .duplicateTensor(let path, let tensor): "\(path) names the tensor \(tensor) twice."
    case .unknownType(let path, let tensor, let type):
      "\(path): the tensor \(tensor) has the type \(type), which is none of "
        + TensorType.allCases.map(\.rawValue).joined(separator: ", ") + "."
    case .shapeTooLarge(let path, let tensor, let shape):
      "\(path): the tensor \(tensor) of shape \(shape) is too large to count."
    case .wrongSize(let path, let tensor, let type, let shape, let byteCount):
      "\(path): the tensor \(tensor) of shape \(shape) in \(type.rawValue) needs "
        + "\(shape.reduce(type.byteCount, *)) bytes and has \(byteCount)."
    case .notContiguous(let path, let tensor, let begin, let expected):
      "\(path): the tensor \(tensor) begins at payload byte \(begin) instead of \(expected)."
    case .cutShort(let path, let promised, let byteCount):
      "\(path) is cut short: it has \(byteCount) bytes and its header promises \(promised)."
    case .trailingBytes(let path, let promised, let byteCount):
      "\(path) has \(byteCount) bytes, more than the \(promised) its header promises."
    case .missingTensor(let path, let tensor): "\(path) holds no tensor \(tensor)."
    case .unexpectedType(let path, let tensor, let type, let allowed):
      "\(path): the tensor \(tensor) has the type \(type.rawValue) where "
        + allowed.map(\.rawValue).joined(separator: " or ") + " is expected."
    case .unexpectedShape(let path, let tensor, let shape, let expected):
      "\(path): the tensor \(tensor) has the shape \(shape) where ["
        + expected.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        + "] is expected."
    }
  }

  package var hint: String? {
    switch self {
    case .system(let error): error.hint
    case .missingTensor, .unexpectedType, .unexpectedShape:
      "Check that the file is the one you mean."
    default: "Fetch or create the file again."
    }
  }

  package var exitCode: ExitCode {
    if case .system(let error) = self { error.exitCode } else { .wrongInput }
  }
}
