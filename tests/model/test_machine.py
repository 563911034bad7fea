from model.machine import available_cores, machine


def test_machine_tells_the_number_of_cores():
    assert machine().split()[0] == str(available_cores())


def test_cores_that_the_process_may_not_use_do_not_count(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3, 5, 7})
    assert available_cores() == 3
