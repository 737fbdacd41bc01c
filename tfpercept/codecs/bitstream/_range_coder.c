/* The inner loops of the range coder.
 *
 * The functions are those of pure_range_coder.py, which describes what goes in
 * and what comes out. Both are bytes: no other thread can change them, so the
 * loops run without the lock of the interpreter, and the limited API of Python
 * 3.10 suffices.
 *
 * Nothing here trusts its arguments. Whatever they hold, no byte outside of
 * them is read, and a ValueError says that they make no sense.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

#define MOVE 16                      /* bits that the window moves on by */
#define MOVED (UINT64_C(1) << MOVE)  /* also the sum of all frequencies */
#define WINDOW (UINT64_C(1) << 32)

/* An array of int32, not necessarily aligned. */
typedef struct {
  const char *data;
  Py_ssize_t count;
} Ints;

static inline int32_t at(Ints ints, Py_ssize_t place) {
  int32_t value;
  memcpy(&value, ints.data + place * (Py_ssize_t)sizeof value, sizeof value);
  return value;
}

static Ints ints_of(PyObject *bytes) {
  Ints ints = {PyBytes_AsString(bytes),
               PyBytes_Size(bytes) / (Py_ssize_t)sizeof(int32_t)};
  return ints;
}

/* Returns the next 16 bits of a string, zeros past its end. */
static uint64_t word(const unsigned char *string, Py_ssize_t length,
                     Py_ssize_t place) {
  if (place < length / 2) {
    return (uint64_t)string[2 * place] << 8 | string[2 * place + 1];
  }
  return place == length / 2 && length % 2 ? (uint64_t)string[length - 1] << 8
                                           : 0;
}

/* Whether each table goes from 0 to 2^16 and never falls. */
static int are_tables(Ints ends, Ints starts) {
  if (starts.count < 1 || at(starts, 0) != 0 ||
      at(starts, starts.count - 1) != ends.count) {
    return 0;
  }
  for (Py_ssize_t table = 0; table + 1 < starts.count; table++) {
    Py_ssize_t first = at(starts, table);
    Py_ssize_t last = (Py_ssize_t)at(starts, table + 1) - 1;
    if (last <= first || last >= ends.count || at(ends, first) != 0 ||
        at(ends, last) != (int32_t)MOVED) {
      return 0;
    }
    for (Py_ssize_t place = first; place < last; place++) {
      if (at(ends, place) > at(ends, place + 1)) {
        return 0;
      }
    }
  }
  return 1;
}

/* Writes words to `out`, which has room for one a symbol; returns how many
 * there are, or -1 if a share is none. */
static Py_ssize_t narrow(Ints lows, Ints highs, uint64_t *base, uint64_t *size,
                         uint32_t *out) {
  Py_ssize_t count = 0;
  for (Py_ssize_t symbol = 0; symbol < lows.count; symbol++) {
    int32_t low = at(lows, symbol), high = at(highs, symbol);
    if (low < 0 || high <= low || high > (int32_t)MOVED) {
      return -1;
    }
    uint64_t start = *size * (uint64_t)low >> MOVE;
    *size = (*size * (uint64_t)high >> MOVE) - start;
    *base += start;
    if (*size <= MOVED) {
      out[count++] = (uint32_t)(*base >> MOVE);
      *base = (*base & (MOVED - 1)) << MOVE;
      *size <<= MOVE;
    }
  }
  return count;
}

static PyObject *encode(PyObject *Py_UNUSED(self), PyObject *arguments) {
  PyObject *low_bytes, *high_bytes, *words;
  unsigned long long given_base, given_size;
  if (!PyArg_ParseTuple(arguments, "SSKK:encode", &low_bytes, &high_bytes,
                        &given_base, &given_size)) {
    return NULL;
  }
  uint64_t base = given_base, size = given_size;
  Ints lows = ints_of(low_bytes), highs = ints_of(high_bytes);
  if (lows.count != highs.count || size < MOVED || size > WINDOW ||
      base > 2 * WINDOW - size) {
    PyErr_SetString(PyExc_ValueError, "shares or interval make no sense");
    return NULL;
  }
  uint32_t *out = PyMem_Malloc((size_t)lows.count * sizeof *out);
  if (out == NULL) {
    return PyErr_NoMemory();
  }
  Py_ssize_t count;
  Py_BEGIN_ALLOW_THREADS
  count = narrow(lows, highs, &base, &size, out);
  Py_END_ALLOW_THREADS
  if (count < 0) {
    PyMem_Free(out);
    PyErr_SetString(PyExc_ValueError, "a share is not within 0 to 2^16");
    return NULL;
  }
  words = PyBytes_FromStringAndSize((const char *)out,
                                    count * (Py_ssize_t)sizeof *out);
  PyMem_Free(out);
  if (words == NULL) {
    return NULL;
  }
  return Py_BuildValue("NKK", words, (unsigned long long)base,
                       (unsigned long long)size);
}

typedef struct {
  const unsigned char *string;
  Py_ssize_t length;
  uint64_t size, offset;
  Py_ssize_t taken;
} Reader;

/* Writes the place of each symbol in its table to `out`; returns 0, or -1 if
 * there is no table of a number. */
static int find(Reader *reader, Ints ends, Ints starts, Ints which, char *out) {
  uint64_t size = reader->size, offset = reader->offset;
  for (Py_ssize_t symbol = 0; symbol < which.count; symbol++) {
    int32_t table = at(which, symbol);
    if (table < 0 || table >= starts.count - 1) {
      return -1;
    }
    /* The last end whose share of the interval is at most the offset. That of
     * 2^16 never is, since offset < size. */
    Py_ssize_t first = at(starts, table), below = first;
    Py_ssize_t above = (Py_ssize_t)at(starts, table + 1) - 1;
    uint64_t start = 0, stop = size;
    while (above - below > 1) {
      Py_ssize_t middle = below + (above - below) / 2;
      uint64_t share = size * (uint64_t)at(ends, middle) >> MOVE;
      if (share <= offset) {
        below = middle;
        start = share;
      } else {
        above = middle;
        stop = share;
      }
    }
    int32_t place = (int32_t)(below - first);
    memcpy(out + symbol * (Py_ssize_t)sizeof place, &place, sizeof place);
    size = stop - start;
    offset -= start;
    if (size <= MOVED) {
      size <<= MOVE;
      offset = offset << MOVE |
               word(reader->string, reader->length, reader->taken++);
    }
  }
  reader->size = size;
  reader->offset = offset;
  return 0;
}

static PyObject *decode(PyObject *Py_UNUSED(self), PyObject *arguments) {
  PyObject *string, *end_bytes, *start_bytes, *which_bytes, *places;
  unsigned long long size, offset;
  Reader reader;
  if (!PyArg_ParseTuple(arguments, "SSSSKKn:decode", &string, &end_bytes,
                        &start_bytes, &which_bytes, &size, &offset,
                        &reader.taken)) {
    return NULL;
  }
  Ints ends = ints_of(end_bytes), starts = ints_of(start_bytes);
  Ints which = ints_of(which_bytes);
  reader.string = (const unsigned char *)PyBytes_AsString(string);
  reader.length = PyBytes_Size(string);
  reader.size = size;
  reader.offset = offset;
  if (size < MOVED || size > WINDOW || offset >= size || reader.taken < 0 ||
      reader.taken > PY_SSIZE_T_MAX - which.count ||
      !are_tables(ends, starts)) {
    PyErr_SetString(PyExc_ValueError, "tables or interval make no sense");
    return NULL;
  }
  places = PyBytes_FromStringAndSize(
      NULL, which.count * (Py_ssize_t)sizeof(int32_t));
  if (places == NULL) {
    return NULL;
  }
  char *out = PyBytes_AsString(places);
  int status;
  Py_BEGIN_ALLOW_THREADS
  status = find(&reader, ends, starts, which, out);
  Py_END_ALLOW_THREADS
  if (status < 0) {
    Py_DECREF(places);
    PyErr_SetString(PyExc_ValueError, "there is no table of a number");
    return NULL;
  }
  return Py_BuildValue("NKKn", places, (unsigned long long)reader.size,
                       (unsigned long long)reader.offset, reader.taken);
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_VARARGS,
     "encode(lows, highs, base, size) -> (words, base, size)"},
    {"decode", decode, METH_VARARGS,
     "decode(string, ends, starts, which, size, offset, taken) -> "
     "(places, size, offset, taken)"},
    {NULL, NULL, 0, NULL},
};

/* Of more than one phase, so that each subinterpreter may have its own. */
static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_range_coder",
    .m_doc = "The inner loops of the range coder.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__range_coder(void) { return PyModuleDef_Init(&module); }
