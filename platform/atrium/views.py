"""Pages and endpoints that look across all apps."""

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What waits for the person."""
    return render(request, "home.html", {})


@login_required
def search(request: HttpRequest) -> HttpResponse:
    """The palette's results."""
    return render(request, "partials/search_results.html", {"results": []})


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """The process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready"})


class ApiRoot(APIView):
    """Where to begin."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({})


class Health(APIView):
    """Whether the platform's parts work."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})
