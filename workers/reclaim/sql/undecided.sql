update guards set obstacle = %(reason)s
where reclaim = %(reclaim)s and not returned and obstacle is distinct from %(reason)s
