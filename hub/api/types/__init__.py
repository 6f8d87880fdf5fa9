"""Every request and answer of the API. These types check the requests and make the OpenAPI document.

Ids are opaque strings, times Unix milliseconds, power W, energy kWh in answers for people, unknown is null.
"""
