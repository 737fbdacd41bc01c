/* Decodes a .tfp file through an exported codec, by the C API of TensorFlow.

       decompress MODEL OPS FILE.tfp PICTURE.png

   MODEL is a version folder that export.saved_model wrote, OPS the library of
   the range coder's ops, libtensorflow_compression.so. Python is not needed. To
   build it against the libraries of a Python wheel in the folder $TF:

       cc -o decompress decompress.c -I$TF/include -L$TF -Wl,-rpath,$TF \
         -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void fail(const char* message) {
  fprintf(stderr, "error: %s\n", message);
  exit(1);
}

static void check(TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
}

/* Signatures name their tensors in a protocol buffer, which is read here just
   so far. */
typedef struct {
  const unsigned char *at, *end;
} Span;

static unsigned long long varint(Span* span) {
  unsigned long long value = 0;
  for (int shift = 0; span->at < span->end && shift < 64; shift += 7) {
    unsigned char byte = *span->at++;
    value |= (unsigned long long)(byte & 127) << shift;
    if (byte < 128) return value;
  }
  fail("the model's signatures cannot be read");
  return 0;
}

/* Takes fields up to the next one of a number, which holds bytes. */
static int next(Span* message, unsigned number, Span* found) {
  while (message->at < message->end) {
    unsigned long long tag = varint(message), size = 0;
    if ((tag & 7) == 0) varint(message);
    if ((tag & 7) == 1) size = 8;
    if ((tag & 7) == 5) size = 4;
    if ((tag & 7) == 2) size = varint(message);
    if (size > (unsigned long long)(message->end - message->at)) break;
    *found = (Span){message->at, message->at + size};
    message->at += size;
    if (tag >> 3 == number && (tag & 7) == 2) return 1;
  }
  return 0;
}

/* Returns the value of a key in a map; of the first one if key is NULL. */
static Span value_of(Span message, unsigned map, const char* key) {
  Span entry, found;
  while (next(&message, map, &entry)) {
    Span fields = entry;
    if (!next(&fields, 1, &found)) continue;
    size_t length = found.end - found.at;
    if (key && (strlen(key) != length || memcmp(key, found.at, length)))
      continue;
    if (next(&entry, 2, &found)) return found;
  }
  fail("the model has no signature 'decompress' from bytes to bytes");
  return message;
}

/* Returns the tensor that a TensorInfo names, such as "name:0". */
static TF_Output tensor_of(TF_Graph* graph, Span info) {
  char name[256];
  Span text;
  if (!next(&info, 1, &text) || text.end - text.at >= (long)sizeof name)
    fail("a tensor has no name");
  snprintf(name, sizeof name, "%.*s", (int)(text.end - text.at), text.at);
  char* colon = strchr(name, ':');
  if (colon) *colon = 0;
  TF_Output output = {TF_GraphOperationByName(graph, name),
                      colon ? atoi(colon + 1) : 0};
  if (!output.oper) fail("a tensor is not in the graph");
  return output;
}

int main(int count, char** arguments) {
  if (count != 5) fail("usage: decompress MODEL OPS FILE.tfp PICTURE.png");
  TF_Status* status = TF_NewStatus();
  TF_LoadLibrary(arguments[2], status);
  check(status);

  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Buffer* meta = TF_NewBuffer();
  const char* tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(
      options, NULL, arguments[1], tags, 1, graph, meta, status);
  check(status);
  Span whole = {meta->data, (const unsigned char*)meta->data + meta->length};
  Span signature = value_of(whole, 5, "decompress");
  TF_Output input = tensor_of(graph, value_of(signature, 1, "stream_bytes"));
  TF_Output outputs[] = {
      tensor_of(graph, value_of(signature, 2, "image_bytes")),
      tensor_of(graph, value_of(signature, 2, "status"))};

  FILE* file = fopen(arguments[3], "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail("the file cannot be read");
  long size = ftell(file);
  rewind(file);
  char* contents = malloc(size > 0 ? size : 1);
  if (!contents || fread(contents, 1, size, file) != (size_t)size)
    fail("the file cannot be read");
  fclose(file);

  int64_t one = 1;
  TF_Tensor* given =
      TF_AllocateTensor(TF_STRING, &one, 1, sizeof(TF_TString));
  TF_TString* string = TF_TensorData(given);
  TF_TString_Init(string);
  TF_TString_Copy(string, contents, size);
  TF_Tensor* answers[2] = {NULL, NULL};
  TF_SessionRun(session, NULL, &input, &given, 1, outputs, answers, 2, NULL, 0,
                NULL, status);
  check(status);

  TF_TString* why = TF_TensorData(answers[1]);
  if (TF_TString_GetSize(why) > 0) {
    fprintf(stderr, "error: %.*s\n", (int)TF_TString_GetSize(why),
            TF_TString_GetDataPointer(why));
    return 1;
  }
  TF_TString* picture = TF_TensorData(answers[0]);
  size_t length = TF_TString_GetSize(picture);
  file = fopen(arguments[4], "wb");
  if (!file || fwrite(TF_TString_GetDataPointer(picture), 1, length, file) !=
                   length || fclose(file))
    fail("the picture cannot be written");
  return 0; /* what is still held goes with the process */
}
