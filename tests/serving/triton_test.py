"""A real Triton server answers many clients, whatever happens to it.

`make test-serving` runs this; elsewhere it is skipped, since Triton is not
installed with the package. TFPERCEPT_TRITON_STARTS=10 starts it more often.
"""

import concurrent.futures
import contextlib
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import threading
import time

import pytest

from serving import ask, exported, model_repository, triton_server
from tests import ports
from tests.serving import served_exports

STARTS = int(os.environ.get("TFPERCEPT_TRITON_STARTS", "2"))
CLIENTS, REQUESTS, BAD_EACH = 32, 200, 8
FOREVER = 1800.0  # seconds; only what hangs takes them
LINE = "the file is no picture in PNG or JPEG"
MODEL = "srcnn_png"

pytestmark = pytest.mark.skipif(
  importlib.util.find_spec("pytriton") is None,
  reason="Triton is not installed; `make test-serving` installs and runs it",
)


def free_ports():
  http, grpc = ports.free(2)
  return triton_server.Listening(http=http, grpc=grpc)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
  """Two versions, whose networks differ."""
  folder = tmp_path_factory.mktemp("exports") / "srcnn"
  return [served_exports.write(folder, n, seed=n) for n in (1, 2)]


@pytest.fixture(scope="module")
def pictures():
  sides = [(5 + n % 7, 4 + n % 9, 3) for n in range(24)]
  return [served_exports.png(n, *shape) for n, shape in enumerate(sides)]


@pytest.fixture(scope="module")
def expected(exports, pictures):
  """What each version makes of each picture, asked one by one."""
  models = [exported.Exported(version) for version in exports]
  return [
    [model.answer("png", served_exports.files(p))["image_bytes"][0]
     for p in pictures]
    for model in models
  ]  # fmt: skip


@pytest.fixture
def repository(exports, tmp_path):
  folder = tmp_path / "models"
  (folder / "lost+found").mkdir(parents=True)  # no model
  list(model_repository.add("srcnn", exports[0], folder))
  return folder


@contextlib.contextmanager
def running(repository):
  """Yields a server, whose log lies beside the repository, and its address."""
  at = free_ports()
  with open(repository.parent / "log", "wb") as log:
    server = triton_server.TritonServer(
      repository, at, poll=1, patience=FOREVER, log=log
    )
    with server:
      yield server, f"{at.address}:{at.grpc}"
  # Regions of other servers may be there.
  assert not list(pathlib.Path("/dev/shm").glob(f"{server._name}*"))


@pytest.fixture
def started(repository):
  with running(repository) as found:
    yield found


@pytest.fixture(scope="module")
def still(tmp_path_factory):
  return tmp_path_factory.mktemp("still")


@pytest.fixture(scope="module")
def address(exports, still):
  """Address of a server that nothing happens to."""
  list(model_repository.add("srcnn", exports[0], still / "models"))
  with running(still / "models") as (_, address):
    yield address


def sent(*contents):
  """Files of one request, with the axis that Triton gives to each."""
  return {
    name: value[:, None]
    for name, value in served_exports.files(*contents).items()
  }


def image(answer):
  (found,) = answer["image_bytes"].ravel()
  return found


class Load:
  """Clients that ask again and again, and what they were told.

  Args:
    address: Address of the server.
    pictures: Files that they send.
    patience: Seconds for which they try an unreachable server.
  """

  def __init__(self, address, pictures, patience=0.0):
    self.answers, self.errors = [], []
    self._stop = threading.Event()
    self._threads = [
      threading.Thread(target=self._ask, args=(address, pictures, n, patience))
      for n in range(8)
    ]

  def __enter__(self):
    for thread in self._threads:
      thread.start()
    return self

  def __exit__(self, *_):
    self._stop.set()
    for thread in self._threads:
      thread.join()

  def _ask(self, address, pictures, start, patience):
    client = ask.Client(address, patience=patience)
    place = start
    while not self._stop.is_set():
      place = (place + 1) % len(pictures)
      try:
        found = client.ask(MODEL, sent(pictures[place]))
        self.answers.append((place, image(found)))
      except ask.ServerError as error:
        self.errors.append(f"{error.status}: {error}")
    client.close()

  def wait_for(self, expected):
    """Waits until the next twenty answers are as expected."""
    end, begin = time.monotonic() + FOREVER, len(self.answers)
    while time.monotonic() < end:
      recent = self.answers[begin:][-20:]
      if len(recent) == 20 and all(expected[p] == x for p, x in recent):
        return
      time.sleep(0.05)
    raise AssertionError(f"no such answers; errors: {self.errors[:3]}")


def test_clients_at_once_get_right_answers_and_bad_files_our_line(
  address, pictures, expected
):
  clients = threading.local()

  def request(number):
    if not hasattr(clients, "own"):
      clients.own = ask.Client(address)
    if number % BAD_EACH == 0:
      with pytest.raises(ask.ServerError) as caught:
        clients.own.ask(MODEL, sent(b"bad %d" % number))
      return caught.value.status, str(caught.value)
    place = number % len(pictures)
    found = clients.own.ask(MODEL, sent(pictures[place]))
    return image(found) == expected[0][place]

  with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
    answers = list(pool.map(request, range(REQUESTS)))
  bad = answers[::BAD_EACH]
  assert set(bad) == {("StatusCode.INVALID_ARGUMENT", LINE)}
  good = [x for n, x in enumerate(answers) if n % BAD_EACH]
  assert len(good) == REQUESTS - len(bad) and all(good)


def test_a_request_of_several_files_has_a_status_for_each(
  address, pictures, expected
):
  client = ask.Client(address)
  given = sent(pictures[0], b"bad", pictures[1])
  found = client.ask(MODEL, given)
  assert found["status"].ravel().tolist() == [b"", LINE.encode(), b""]
  assert found["image_bytes"].ravel()[[0, 2]].tolist() == expected[0][:2]
  assert client.inputs(MODEL) == {"image_bytes": ("BYTES", (-1, 1))}
  client.close()


def test_what_does_not_change_is_loaded_once(address, still):
  time.sleep(3)  # three looks for changes
  assert (still / "log").read_bytes().count(b'"loading: ') == 1


def test_new_versions_under_load_lose_no_request(
  started, repository, exports, pictures, expected
):
  server, address = started
  with Load(address, pictures) as load:
    load.wait_for(expected[0])
    assert list(model_repository.add("srcnn", exports[1], repository))
    load.wait_for(expected[1])
    # One that is broken is ignored, and the one before goes on.
    broken = repository / "broken"
    shutil.copytree(repository / MODEL / "2", broken)
    data = next((broken / "export/variables").glob("*.data*"))
    data.write_bytes(data.read_bytes()[:-100] + bytes(100))
    broken.rename(repository / MODEL / "3")
    log = repository.parent / "log"
    end = time.monotonic() + FOREVER
    while b"is no whole export" not in log.read_bytes():
      assert time.monotonic() < end and not load.errors
      time.sleep(0.2)
    load.wait_for(expected[1])
  assert load.errors == []
  assert all(x in (expected[0][p], expected[1][p]) for p, x in load.answers)
  assert server.models() == {MODEL: "READY", "lost+found": "NO MODEL"}


def test_a_model_process_that_dies_is_noticed_and_the_server_restarted(
  started, pictures, expected
):
  server, address = started
  watching = threading.Thread(target=server.watch)
  with Load(address, pictures, patience=FOREVER) as load:
    load.wait_for(expected[0])
    first = server.process.pid
    watching.start()
    for place in pathlib.Path("/proc").glob("[0-9]*"):
      with contextlib.suppress(OSError):
        line = (place / "cmdline").read_bytes()
        if b"python_backend_stub" in line and str(first).encode() in line:
          os.kill(int(place.name), signal.SIGKILL)
    end = time.monotonic() + FOREVER
    while server.process is None or server.process.pid == first:
      assert time.monotonic() < end
      time.sleep(0.2)
    load.wait_for(expected[0])
  server.stop()
  watching.join()
  assert all(x == expected[0][place] for place, x in load.answers)


def test_a_killed_server_comes_back_with_the_same_answers(
  started, repository, exports, pictures, expected
):
  server, address = started
  # A version that was damaged meanwhile does not keep it from starting.
  list(model_repository.add("srcnn", exports[1], repository))
  with Load(address, pictures, patience=FOREVER) as load:
    load.wait_for(expected[1])
    damaged = repository / MODEL / "2/export/manifest.json"
    damaged.unlink()
    server.kill()
    server.start()
    load.wait_for(expected[0])
  assert load.errors == []
  assert all(x in (expected[0][p], expected[1][p]) for p, x in load.answers)


def test_starts_in_a_row_all_succeed(repository, pictures, expected, tmp_path):
  at = free_ports()
  with contextlib.ExitStack() as ends, open(tmp_path / "log", "wb") as log:
    for number in range(STARTS):
      server = triton_server.TritonServer(
        repository, at, patience=FOREVER, log=log
      )
      ends.callback(server.stop)
      server.start()
      client = ask.Client(f"{at.address}:{at.grpc}", patience=FOREVER)
      found = client.ask(MODEL, sent(pictures[0]))
      client.close()
      assert image(found) == expected[0][0]
      # Every other one leaves what a crash leaves.
      if number % 2:
        server.stop()
      else:
        server.kill()


def test_a_port_that_is_taken_is_named(repository):
  with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    at = triton_server.Listening(http=taken.getsockname()[1])
    with pytest.raises(triton_server.program.ProgramError, match="cannot lis"):
      triton_server.TritonServer(repository, at).start()


def test_models_that_can_not_be_loaded_end_the_start(repository, tmp_path):
  config = repository / MODEL / "config.pbtxt"
  config.write_text(config.read_text().replace('"png"', '"none"'))
  with open(tmp_path / "log", "wb") as log:
    server = triton_server.TritonServer(
      repository, free_ports(), patience=FOREVER, log=log
    )
    with pytest.raises(
      triton_server.program.ProgramError, match=f"loaded: {MODEL}: UNAVAILABLE"
    ):
      server.start()
