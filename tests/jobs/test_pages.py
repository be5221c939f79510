"""Jobs in the browser and over REST: followed, searched, steered."""

from __future__ import annotations

import pytest

from jobs.errors import JobFailed
from jobs.models import Job, JobLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(kind, queue_job):
    @kind("test.page", title="Count the rows", authorize=lambda job: None)
    def count(ctx):
        ctx.log("counts <b>rows</b>")
        raise JobFailed("no_rows", "The file has no rows.", "Upload one with rows.")

    return queue_job("test.page")


def test_a_job_over_rest(api_of, job, run_jobs):
    alice = api_of("alice")
    found = alice.get(f"/api/v1/jobs/{job.pk}/").json()
    assert (found["state"], found["progress"], found["log"], found["error"]) == ("queued", 0, [], None)
    assert (found["department"], found["created_by"], found["name"]) == ("credit-risk", "alice", "Count the rows")
    run_jobs()
    found = alice.get(f"/api/v1/jobs/{job.pk}/").json()
    assert found["error"]["code"] == "no_rows"
    assert found["error"]["hint"] == "Upload one with rows."
    assert [line["message"] for line in found["log"]] == ["counts <b>rows</b>"]


def test_lists_and_their_filters(api_of, job):
    alice = api_of("alice")
    assert [each["id"] for each in alice.get("/api/v1/jobs/").json()["results"]] == [str(job.pk)]
    assert alice.get("/api/v1/jobs/?state=failed").json()["results"] == []
    assert alice.get("/api/v1/jobs/?state=broken").status_code == 422
    assert api_of("charlie").get("/api/v1/jobs/").json()["results"] == []


def test_the_whole_log_is_read_in_pages(api_of, job):
    JobLog.objects.bulk_create(JobLog(job=job, attempt=1, message=str(n)) for n in range(120))
    alice, said, url = api_of("alice"), [], f"/api/v1/jobs/{job.pk}/log/"
    while url:
        page = alice.get(url).json()
        said += [line["message"] for line in page["results"]]
        url = page["next"]
    assert said == [str(n) for n in range(120)]


def test_steering_over_rest(api_of, job):
    alice = api_of("alice")
    assert alice.post(f"/api/v1/jobs/{job.pk}/pause/").json()["state"] == "paused"
    assert alice.post(f"/api/v1/jobs/{job.pk}/resume/").json()["state"] == "queued"
    answer = alice.post(f"/api/v1/jobs/{job.pk}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = alice.post(f"/api/v1/jobs/{job.pk}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "job_ended")


def test_the_list_shows_a_way_to_begin_when_it_is_empty(browser_of, people):
    page = browser_of("alice").get("/jobs/").content.decode()
    assert "No jobs yet" in page
    assert "Upload a file" in page


def test_the_list(browser_of, job):
    browser = browser_of("alice")
    assert "Count the rows" in browser.get("/jobs/").content.decode()
    assert "No such job" in browser.get("/jobs/?q=nothing&state=x\x00").content.decode()
    assert "Count the rows" in browser.get("/jobs/?q=rows&state=queued&kind=test.page").content.decode()


def test_the_page_lives_until_the_job_ends(browser_of, job, run_jobs):
    browser = browser_of("alice")
    page = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert "every 1s" in page
    assert "after=0" in page
    run_jobs()
    assert "counts &lt;b&gt;rows&lt;/b&gt;" in browser.get(f"/jobs/{job.pk}/lines/?after=0").content.decode()
    last = job.lines.last().pk
    for nothing_new in (f"?after={last}", "?after=" + "9" * 40):
        assert "<li" not in browser.get(f"/jobs/{job.pk}/lines/{nothing_new}").content.decode()
    head = browser.get(f"/jobs/{job.pk}/head/").content.decode()
    assert "every 1s" not in head
    assert "The file has no rows." in head
    assert "Upload one with rows." in head


def test_who_may_steer_sees_how(browser_of, job):
    assert "cancel-job" in browser_of("alice").get(f"/jobs/{job.pk}/").content.decode()
    assert "cancel-job" not in browser_of("bob").get(f"/jobs/{job.pk}/").content.decode()


def test_a_platform_admin_sees_no_log(browser_of, api_of, job, run_jobs):
    run_jobs()
    page = browser_of("erin").get(f"/jobs/{job.pk}/").content.decode()
    assert "for members of the department" in page
    assert "counts" not in page
    assert api_of("erin").get(f"/api/v1/jobs/{job.pk}/").json()["log"] == []


def test_cancel_in_the_browser(browser_of, job):
    browser = browser_of("alice")
    assert browser.post(f"/jobs/{job.pk}/cancel/").url == f"/jobs/{job.pk}/"
    assert Job.objects.get(pk=job.pk).state == "cancelled"
    page = browser.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert "ended already" in page
